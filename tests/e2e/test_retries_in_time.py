"""The contract's pauses pass by themselves: four tries, 30–60 seconds apart, and then the registration is suspended.

The receiver was met at the beginning of the run; nothing was hurried for it.
"""

from support.waiting import stays, wait_for, wait_until_equal

# The queue and the sweep may add to a pause what they need on a busy machine.
SLACK_SECONDS = 20


def test_four_tries_thirty_to_sixty_seconds_apart_then_suspended(failing_for_good) -> None:
    endpoint, partner = failing_for_good.endpoint, failing_for_good.partner
    wait_for("the fourth try", lambda: len(endpoint.deliveries) >= 4, 4 * (60 + SLACK_SECONDS))
    wait_until_equal("the registration", lambda: partner.registration(failing_for_good.registration["id"])["status"], "Suspended")
    times = [delivery.at for delivery in endpoint.deliveries]
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert all(28 <= pause <= 60 + SLACK_SECONDS for pause in pauses), pauses
    assert len(set(endpoint.ids())) == 1
    [event] = partner.events_of(failing_for_good.registration["id"])
    assert event["status"] == "Failed"
    assert [attempt["statusCode"] for attempt in event["attempts"]] == [500] * 4
    stays("the number of tries", lambda: len(endpoint.deliveries), 4, 0.5)
