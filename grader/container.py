"""The same command in a container: command lines for `docker`, as values (nothing is run here).

    for line in commands(Path("course"), ("batch", "lstm", "handed-in", "--to", "run"), "0.1.0"):
        print(shlex.join(line))

The default profile of docker suffices: Landlock and seccomp need no rights, and the grader inside is root so that each
worker becomes a user of its own. The container gets the course and no network.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from grader.errors import UsageError

DOCKERFILE = Path(__file__).with_name("data") / "Dockerfile"
INSIDE = PurePosixPath("/course")


def image(version: str) -> str:
    return f"deepgrader:{version}"


def build_command(version: str, docker: str = "docker") -> tuple[str, ...]:
    """Makes the image from the Dockerfile on its standard input (`DOCKERFILE`)."""
    return (docker, "build", "--tag", image(version), "--build-arg", f"VERSION={version}", "-")


def run_command(course: Path, arguments: Iterable[str], version: str, docker: str = "docker") -> tuple[str, ...]:
    """Runs `grade ARGUMENTS` with the course as its current folder.

    course: the only folder that the container sees; paths among `arguments` lie in it, relative to it.
    """
    arguments = tuple(arguments)
    for argument in arguments:
        _check_inside(argument)
    return (docker, "run", "--rm", "--network", "none", "--volume", f"{course.resolve()}:{INSIDE}", "--workdir", str(INSIDE), image(version),
            *_without(arguments, "--container"))


def _without(arguments: tuple[str, ...], option: str) -> tuple[str, ...]:
    return tuple(a for a in arguments if a != option)


def _check_inside(argument: str) -> None:
    """A path out of the course would name another file inside the container."""
    value = argument.partition("=")[2] if argument.startswith("--") else argument
    if Path(value).is_absolute() or ".." in Path(value).parts:
        raise UsageError(f"{value!r} lies outside the course, and the container sees only that; move or copy it into the course, and name it relative to it")
