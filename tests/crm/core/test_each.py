"""Something done for many: whoever fails keeps nobody else's from being done, and is told of."""

import pytest

from crm.core.each import total_of_each


def test_what_fails_for_one_is_done_for_the_others_and_raised_afterwards() -> None:
    done = []

    def work(one: int) -> int:
        if one == 2:
            raise ValueError(one)
        done.append(one)
        return one

    with pytest.raises(ExceptionGroup) as failed:
        total_of_each([1, 2, 3], work)
    assert done == [1, 3]
    assert [str(one) for one in failed.value.exceptions] == ["2"]
    assert total_of_each([1, 3], work) == 4
