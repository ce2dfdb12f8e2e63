"""Each reason has one row, and all its uses follow from it."""

import re

import msgspec
import pytest

from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reason_table import ROWS
from router.model.reasons import having, row


def test_every_reason_has_one_row_in_the_order_of_the_enum() -> None:
    assert list(ROWS) == list(Reason)


def test_every_trait_has_a_reason() -> None:
    assert all(having(trait) for trait in Trait)


@pytest.mark.parametrize("reason", Reason)
def test_a_refused_request_says_why(reason: Reason) -> None:
    if Trait.REFUSED in row(reason).traits:
        assert row(reason).refusal


@pytest.mark.parametrize("reason", Reason)
def test_sentences_are_well_formed(reason: Reason) -> None:
    """Brackets are paired and not nested, and every optional part has a value to wait for."""
    for sentence in (row(reason).timeline, row(reason).reply):
        assert re.fullmatch(r"([^][]|\[[^][]*\])*", sentence)
        for part in re.findall(r"\[([^]]*)\]", sentence):
            assert "{" in part


def test_what_ends_by_a_person_ends() -> None:
    assert having(Trait.ENDS_BY_PERSON) < having(Trait.ENDS) < having(Trait.ANSWERS)


def test_what_arrived_is_an_attempt_and_did_not_fail() -> None:
    assert having(Trait.ARRIVED) | having(Trait.FAILED) == having(Trait.ATTEMPT)
    assert not having(Trait.ARRIVED) & having(Trait.FAILED)
    assert having(Trait.ATTEMPT) < having(Trait.DELIVERY)


def test_pages_are_explained_as_notifications() -> None:
    assert having(Trait.PAGES) < having(Trait.NOTIFIES)


@pytest.mark.parametrize(
    ("former", "now"),
    [("told_again", Reason.STEPS_REPEATED), ("next_way", Reason.NEXT_METHOD)],
)
def test_a_former_name_is_still_read(former: str, now: Reason) -> None:
    assert msgspec.convert(former, Reason) is now
