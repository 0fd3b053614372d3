from typing import Any

from portfolio_site.models import Job


def test_a_job_from_queued_to_its_result(api: Any, owner: Any) -> None:
    job = Job.objects.create(owner=owner, kind="sync")
    url, caller = f"/api/jobs/{job.pk}", api(owner)
    assert (caller.get(url).json()["state"], caller.get(url).json()["progress"]) == ("queued", 0.0)
    job.advance(0.4, "2 of 5 accounts")
    running = caller.get(url).json()
    assert (running["state"], running["progress"], running["message"]) == ("running", 0.4, "2 of 5 accounts")
    job.succeed({"holdings": 24})
    done = caller.get(url).json()
    assert (done["state"], done["progress"], done["result"], done["error"]) == ("succeeded", 1.0, {"holdings": 24}, "")
    assert done["created_at"].endswith("Z")


def test_a_failed_job_says_why(api: Any, owner: Any) -> None:
    job = Job.objects.create(owner=owner, kind="sync")
    job.fail("The institution does not answer")
    body = api(owner).get(f"/api/jobs/{job.pk}").json()
    assert (body["state"], body["error"], body["result"]) == ("failed", "The institution does not answer", None)


def test_the_job_of_another_is_not_there(api: Any, owner: Any, other: Any, staff: Any) -> None:
    job = Job.objects.create(owner=owner, kind="sync")
    for caller in (api(other), api(staff)):
        assert caller.get(f"/api/jobs/{job.pk}").status_code == 404
    assert api().get(f"/api/jobs/{job.pk}").status_code == 401


def test_what_is_no_id_is_not_there(api: Any, owner: Any) -> None:
    assert api(owner).get("/api/jobs/1").status_code == 404


def test_query_count(api: Any, owner: Any, django_assert_num_queries: Any) -> None:
    job = Job.objects.create(owner=owner, kind="sync")
    caller = api(owner)
    # Savepoint, user and tenant, job, release.
    with django_assert_num_queries(4):
        caller.get(f"/api/jobs/{job.pk}")
