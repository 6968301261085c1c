"""References pass, stubs are not begun, three wrong submissions fail: a quick look at a platform, without pytest.

    python tests/smoke.py [options of `grade run`]
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WRONG = ("lstm/swapped_gates.py", "lstm/missing_return.py", "conv2d/flipped_kernel.py")


def verdict(slug: str, file: Path) -> str:
    command = [sys.executable, "-m", "grader", "run", slug, "--file", str(file), "--format", "json", *sys.argv[1:]]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=600)
    if not result.stdout:
        return f"no report (exit {result.returncode}): {result.stderr.strip()}"
    return json.loads(result.stdout)["verdict"]


def main() -> int:
    slugs = sorted(p.parent.name for p in (ROOT / "solutions").glob("*/assignment.toml"))
    cases = [(slug, ROOT / "solutions" / slug / f"{slug.replace('-', '_')}.py", "passed") for slug in slugs]
    cases += [(slug, ROOT / "assignments" / slug / f"{slug.replace('-', '_')}.py", "not_attempted") for slug in slugs]
    cases += [(name.partition("/")[0], ROOT / "tests" / "submissions" / name, "failed") for name in WRONG]
    bad = 0
    for slug, file, expected in cases:
        seen = verdict(slug, file)
        bad += seen != expected
        print(f"{'ok  ' if seen == expected else 'FAIL'} {file.relative_to(ROOT).as_posix()}: {seen}" + ("" if seen == expected else f", expected {expected}"))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
