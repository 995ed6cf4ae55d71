"""The agents, for supervisors: what each does, ending it for him, and how long a pause may last."""
