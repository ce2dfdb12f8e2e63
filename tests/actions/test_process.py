"""A program's run: what it said, how it ended, and that nothing of it is left."""

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from router.actions.process import KEPT, run
from tests.actions.room import until, written


async def python(
    code: str, folder: Path, *arguments: str, seconds: float = 20.0
) -> tuple[int | None, str]:
    argv = [sys.executable, "-c", code, *arguments]
    ended = await run(
        argv, env={"PATH": os.environ["PATH"], "X": "1"}, cwd=str(folder), seconds=seconds
    )
    return ended.code, ended.output.decode()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text()


async def test_both_outputs_and_the_exit_status_are_told(tmp_path: Path) -> None:
    """In the order in which they were written; there's nothing to read, and only the environment
    that was given.
    """
    code = "import os,sys; print(sys.stdin.read(), sorted(os.environ)); sys.stdout.flush();"
    code += "sys.stderr.write('oops'); exit(3)"
    status, output = await python(code, tmp_path)
    assert status == 3
    assert output.startswith(" [")
    assert output.endswith("oops")
    assert "'PATH'" in output
    assert "'HOME'" not in output
    assert "'X'" in output


async def test_arguments_are_passed_as_they_are(tmp_path: Path) -> None:
    """No shell looks at them."""
    given = ("$(id)", "; rm -rf /", "a b", "'\"`", "*", "")
    _, output = await python("import sys; print(sys.argv[1:])", tmp_path, *given)
    assert output.strip() == str(list(given))


async def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    """Also a child, and one that ignores SIGTERM."""
    code = (
        "import signal,subprocess,sys,time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "c=subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)']);"
        "print(c.pid, flush=True); time.sleep(60)"
    )
    started = time.monotonic()
    status, output = await python(code, tmp_path, seconds=1.0)
    assert status is None
    assert time.monotonic() - started < 10
    await until(lambda: not alive(int(output)))


async def test_what_a_program_leaves_behind_is_ended(tmp_path: Path) -> None:
    """It's done, but a child holds its output open."""
    code = (
        "import subprocess,sys; print(subprocess.Popen([sys.executable,'-c','import time; "
        "time.sleep(60)']).pid)"
    )
    status, output = await python(code, tmp_path)
    assert status == 0
    await until(lambda: not alive(int(output)))


async def test_cancelling_ends_it(tmp_path: Path) -> None:
    """A stop of the router leaves nothing running."""
    mark = tmp_path / "pid"
    code = f"import os,time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    task = asyncio.ensure_future(python(code, tmp_path))
    await until(lambda: written(mark))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not alive(int(written(mark))))


async def test_a_long_output_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    """However long: no memory is filled, and the program isn't held up."""
    status, output = await python(
        f"print('begin'); print('x' * {KEPT * 20}); print('end')", tmp_path
    )
    assert status == 0
    assert output.startswith("begin")
    assert output.endswith("end\n")
    assert "[...]" in output
    assert len(output) < KEPT * 2 + 20


async def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await run(["/nowhere/at-all"], env={}, cwd=str(tmp_path), seconds=1)
