#!/usr/bin/env bash
# Gradescope builds the image with this. Whatever is missing fails here, once, and not at every submission:
# the sandbox must reach the level @LEVEL@, the reference must get all points, a hostile file none.
set -euo pipefail
cd "${GRADE_ROOT:-/autograder}/source"
if [ -z "${GRADE_PYTHON:-}" ]; then
    command -v python3 >/dev/null && python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' ||
        { apt-get update -qq && apt-get install -y -qq python3 python3-pip python3-venv; }
    python3 -m venv .venv
    .venv/bin/pip install -q --disable-pip-version-check -r requirements.txt
    GRADE_PYTHON="$PWD/.venv/bin/python"
fi
# Workers start with an empty environment: the environment itself has to know where the package lies.
echo "$PWD/package" > "$("$GRADE_PYTHON" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/autograder.pth"
"$GRADE_PYTHON" -m compileall -q package
"$GRADE_PYTHON" -m grader doctor --sandbox @LEVEL@
"$GRADE_PYTHON" -m grader.cli.gradescope @SLUG@ --sandbox @LEVEL@ --canaries
chmod -R go-rwx solutions
