"""The command line of the container, recorded by a stand-in for `docker` (no container is run)."""

import json
import os
import subprocess
import sys

import pytest

from grader import container
from grader.errors import UsageError


@pytest.fixture
def docker(tmp_path, monkeypatch):
    """A program called `docker` that writes down its arguments; returns what it was given."""
    folder, record = tmp_path / "bin", tmp_path / "record.json"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open({str(record)!r}, 'w'))\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return lambda: json.loads(record.read_text())


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script")
def test_docker_is_given_the_course_no_network_and_no_further_rights(docker, tmp_path):
    course = tmp_path / "a course; rm"
    course.mkdir()
    subprocess.run(container.run_command(course, ("batch", "lstm", "handed in", "--to", "run", "--container"), "0.1.0"), check=True)
    assert docker() == ["run", "--rm", "--network", "none", "--volume", f"{course}:/course", "--workdir", "/course", "deepgrader:0.1.0",
                        "batch", "lstm", "handed in", "--to", "run"]
    assert not {"--privileged", "--cap-add", "--security-opt", "--pid", "--user"} & set(docker())


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script")
def test_the_image_is_built_from_the_packages_dockerfile(docker):
    with container.DOCKERFILE.open("rb") as file:
        subprocess.run(container.build_command("0.1.0"), stdin=file, check=True)
    assert docker() == ["build", "--tag", "deepgrader:0.1.0", "--build-arg", "VERSION=0.1.0", "-"]
    assert "deepgrader==${VERSION}" in container.DOCKERFILE.read_text()


@pytest.mark.parametrize("path", ["/etc/passwd", "../elsewhere", "--to=/tmp/run"])
def test_a_path_outside_the_course_is_refused_with_the_way_out(tmp_path, path):
    with pytest.raises(UsageError, match="outside the course"):
        container.run_command(tmp_path, ("batch", "lstm", path), "0.1.0")
