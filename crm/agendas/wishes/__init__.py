"""The waiting list: who found no time that suits him, and is offered the next one that is freed."""
