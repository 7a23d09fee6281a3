"""Which of the jobs that were found a create may take, as a pure decision."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate._jobs.assignment import Attempt, Verdict, assign, without_others
from replicate._jobs.matching import Asked, Fit, fitting
from replicate_api.models import Prediction

MINE = Asked({"model": "me/model"}, {"text": "a"})
MORE = Asked({"model": "me/model"}, {"text": "a", "times": 1})
ELSEWHERE = MINE._replace(destination="me/other")
OTHER = Asked({"model": "me/model"}, {"text": "b"})

LOST = Attempt(MINE, sent=10.0, unanswered=True)
ENDING = LOST._replace(ending=True)
AWAITED = Attempt(MINE, sent=10.0)


def job(name: str, asked: Asked = MINE) -> Prediction:
    made: Prediction = Prediction.from_dict({"id": name, **asked.named, "input": dict(asked.input)})
    return made


P1, P2, P3 = job("p1"), job("p2"), job("p3")


@pytest.mark.parametrize(
    ("mine", "found", "rivals", "given_up", "verdict"),
    [
        pytest.param(LOST, [], [], 0, Verdict(), id="nothing"),
        pytest.param(LOST, [P1], [], 0, Verdict([P1], explained=True), id="one"),
        pytest.param(LOST, [P1, P2], [], 0, Verdict(), id="one too many"),
        pytest.param(LOST, [P1, P2], [LOST], 0, Verdict([P1, P2], explained=True), id="one for each of two"),
        pytest.param(LOST, [P1], [LOST], 0, Verdict([P1]), id="one for two"),
        pytest.param(LOST, [P1, P2, P3], [LOST], 0, Verdict(), id="three for two"),
        pytest.param(LOST, [P1], [AWAITED], 0, Verdict(wait=True), id="maybe another's, who will be answered"),
        pytest.param(LOST, [P1, P2], [AWAITED], 0, Verdict(wait=True, explained=True), id="one of them is"),
        pytest.param(
            LOST, [P1], [AWAITED._replace(out=False)], 0, Verdict([P1], explained=True), id="a rival that is not out"
        ),
        pytest.param(LOST, [P1], [AWAITED._replace(asked=OTHER)], 0, Verdict([P1], explained=True), id="another input"),
        pytest.param(LOST, [P1], [AWAITED._replace(sent=1.0)], 0, Verdict(wait=True, explained=True), id="an old one"),
        pytest.param(LOST, [P1], [LOST._replace(asked=ELSEWHERE)], 0, Verdict(), id="for another destination"),
        pytest.param(
            ENDING, [P1], [LOST._replace(asked=ELSEWHERE)], 0, Verdict(), id="interrupted, for another destination"
        ),
        pytest.param(
            ENDING,
            [P1],
            [ENDING._replace(asked=ELSEWHERE)],
            0,
            Verdict([P1], inherits=True),
            id="both interrupted, for another destination",
        ),
        pytest.param(ENDING, [P1], [], 0, Verdict([P1], explained=True, inherits=True), id="interrupted"),
        pytest.param(
            ENDING, [P1, P2], [], 1, Verdict([P1, P2], explained=True, inherits=True), id="with one that was given up"
        ),
        pytest.param(ENDING, [P1, P2, P3], [], 1, Verdict(inherits=True), id="with one more than that"),
        pytest.param(
            ENDING, [P1, P2, P3], [LOST], 1, Verdict([P1, P2, P3], explained=True), id="while another wants its own"
        ),
        pytest.param(LOST, [P1, P2], [], 1, Verdict([P1, P2], explained=True), id="one that was given up is not mine"),
    ],
)
def test_what_may_be_taken(
    mine: Attempt, found: list[Any], rivals: list[Attempt], given_up: int, verdict: Verdict
) -> None:
    """A create takes what it may own, unless that may be another's who wants to know."""
    decided = assign(mine, Fit(found, exact=True), rivals, given_up)
    assert decided._replace(take=list(decided.take)) == verdict._replace(take=list(verdict.take))


@pytest.mark.parametrize(
    ("rival", "exact", "left"),
    [
        pytest.param(LOST._replace(asked=MORE), False, [], id="it has asked for that"),
        pytest.param(LOST._replace(asked=MORE), True, [P1], id="defaults say that it is the same"),
        pytest.param(LOST._replace(asked=MORE, out=False), False, [P1], id="it has not gone out"),
        pytest.param(AWAITED._replace(asked=MORE), False, [P1], id="it will be answered"),
        pytest.param(LOST, False, [P1], id="it has asked for less, too"),
        pytest.param(LOST._replace(asked=OTHER), False, [P1], id="it has asked for something else"),
    ],
)
def test_what_is_exactly_another_s(rival: Attempt, left: list[Any], *, exact: bool) -> None:
    """What may be this one's with something added is another's that has asked for it to the letter."""
    more = job("p1", MORE)
    found = without_others(Fit([more], exact), [rival]).found
    assert [each.id for each in found] == [each.id for each in left]


ASKED = st.sampled_from([MINE, MORE, ELSEWHERE, OTHER, MINE._replace(input={})])
ATTEMPTS = st.builds(Attempt, ASKED, st.sampled_from([0.0, 8.0, 10.0]), st.booleans(), st.booleans(), st.booleans())


@given(ATTEMPTS, st.lists(ATTEMPTS, max_size=4), st.lists(ASKED, max_size=5), st.integers(0, 2), st.booleans())
def test_nothing_is_taken_without_evidence(
    mine: Attempt, rivals: list[Attempt], shown: list[Asked], given_up: int, exact: Any
) -> None:
    """What is taken was found, is not what an answer may still tell, and is no more than there are owners."""
    found = [job(f"p{number}", asked) for number, asked in enumerate(shown)]
    verdict = assign(mine, Fit(found, exact), rivals, given_up)
    assert list(verdict.take) in ([], found)
    assert not (verdict.take and verdict.wait)
    if verdict.take:
        awaited = [each for each in rivals if each.out and not each.unanswered]
        assert not any(each.asked.fits(one) for each in awaited for one in verdict.take)
        assert len(verdict.take) <= 1 + sum(each.unanswered for each in rivals) + given_up
    assert mine.ending or not verdict.inherits
    assert verdict == assign(mine, Fit(found, exact), [*reversed(rivals)], given_up)


@given(st.data())
def test_each_job_has_one_owner(data: st.DataObject) -> None:
    """Whoever looks first: creates whose answers are lost take nothing twice, and nothing that an answer will tell."""
    attempts = data.draw(st.lists(ATTEMPTS, min_size=1, max_size=5), "creates")
    jobs = {number: job(f"p{number}", each.asked) for number, each in enumerate(attempts) if each.out}
    foreign = [job(f"f{number}", asked) for number, asked in enumerate(data.draw(st.lists(ASKED, max_size=2)))]
    claims: dict[str, int] = {}
    for turn in data.draw(st.permutations(range(len(attempts))), "order"):
        mine = attempts[turn]
        if not mine.unanswered:  # its answer comes now
            if mine.out:
                assert claims.setdefault(jobs[turn].id, turn) == turn
            continue
        free = [each for each in [*jobs.values(), *foreign] if each.id not in claims]
        fit = fitting(mine.asked, free, lambda _: {})
        rivals = [each for number, each in enumerate(attempts) if number not in {turn, *claims.values()}]
        for one in assign(mine, without_others(fit, rivals), rivals, 0).take[:1]:
            assert mine.asked.fits(one)
            assert one in foreign or attempts[int(one.id[1:])].asked.shows_as(mine.asked)
            claims[one.id] = turn
    assert len({*claims.values()}) == len(claims)
