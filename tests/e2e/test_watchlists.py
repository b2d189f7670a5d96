"""Watchlists: they are built from published files, a new entry counts from the next screening on, and what is no list is
refused while the last good edition stays."""

import pytest
from support import samples
from support.bundle import Bundle, FunctionFailed, Partner
from support.watchlists import Lists
from support.waiting import wait_for


def test_a_refresh_without_news_changes_nothing(lists: Lists) -> None:
    before = lists.manifest
    assert {result["result"] for result in lists.refresh().values()} == {"unchanged"}
    assert lists.manifest == before


def test_a_new_entry_counts_from_the_next_edition_on(bundle: Bundle, partner: Partner, lists: Lists) -> None:
    first, last = samples.word(), samples.word()
    early = partner.onboard(samples.named(partner.id, first, last))
    assert partner.screened(early["id"])["pepScan"] == "Clear"
    lists.write(lists.pep_key, lists.with_entry(first, last))
    result = lists.refresh()[lists.pep_id]
    assert result["result"] == "published"

    def hit() -> bool:
        # A warm worker may go on with the edition it holds for a moment.
        late = partner.onboard(samples.named(partner.id, first, last))
        return partner.screened(late["id"])["pepScan"] == "Failed"

    with bundle.configured("scan-worker"):
        assert wait_for("the new entry hits", hit)
    wait_for("the one from before is found", lambda: partner.customer(early["id"])["pepScan"] == "Failed")


def test_a_list_that_has_lost_many_entries_is_refused(lists: Lists) -> None:
    """That is what a download that was cut off looks like."""
    before = lists.manifest
    lines = lists.read(lists.pep_key).splitlines(keepends=True)
    lists.write(lists.pep_key, b"".join(lines[: len(lines) // 2]))
    assert lists.refresh()[lists.pep_id]["result"] == "failed"
    assert lists.manifest == before


@pytest.mark.parametrize("content", [b"", b"<html>Service unavailable</html>", b"\x00\x01\x02"], ids=["empty", "an error page", "bytes"])
def test_what_is_no_list_is_refused_and_the_last_edition_stays(lists: Lists, content: bytes) -> None:
    before = lists.manifest
    lists.write(lists.pep_key, content)
    results = lists.refresh()
    assert results[lists.pep_id]["result"] == "failed"
    assert results[lists.pep_id]["reason"]
    assert lists.manifest == before
    assert {result["result"] for name, result in results.items() if name != lists.pep_id} == {"unchanged"}


STEPS = [
    "watchlist-refresh:after-index",
    "watchlist-refresh:after-delta",
    "watchlist-refresh:after-manifest",
    "watchlist-refresh:after-sweep-sent",
]


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_the_middle_the_next_run_finishes(bundle: Bundle, partner: Partner, lists: Lists, step: str) -> None:
    first, last = samples.word(), samples.word()
    early = partner.onboard(samples.named(partner.id, first, last))
    assert partner.screened(early["id"])["pepScan"] == "Clear"
    before = lists.manifest
    lists.write(lists.pep_key, lists.with_entry(first, last))
    with bundle.configured("watchlist-refresh", GATEHOUSE_FAILPOINT=step), pytest.raises(FunctionFailed) as death:
        lists.refresh()
    assert "exited" in str(death.value)
    moved = lists.manifest != before
    assert moved == (step in STEPS[2:]), "the manifest names only what was written before"
    lists.refresh()
    named = {entry["index"] for entry in lists.manifest["lists"].values()}
    for index in named:
        assert lists.s3.head_object(Bucket=lists.bucket, Key=f"index/{index}.gwi")["ContentLength"] > 0
    wait_for("who was there before is found", lambda: partner.customer(early["id"])["pepScan"] == "Failed", 60)
    screened = [item for item in bundle.evidence(partner.id, early["id"]) if "lists" in item]
    assert len(screened) == 2, "when taken on, and by the sweep, once"
    with bundle.configured("scan-worker"):
        made = partner.onboard(samples.named(partner.id, first, last))
        assert partner.screened(made["id"])["pepScan"] == "Failed"
