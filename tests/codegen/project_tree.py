"""A copy of the files that the generation reads and writes, in which to run it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]


@dataclass
class Tree:
    """A copy of the files that the generation reads and writes."""

    root: Path
    environment: Path

    def regen(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the generation in this tree, as `scripts/regen.sh` does."""
        return self._run(self.codegen / "regenerate.py", *arguments)

    def regen_each(self, *documents: Path) -> list[tuple[int, str]]:
        """Run the generation from each document, in one process. Return the exit statuses and the errors."""
        done = self._run(Path(__file__).with_name("regen_each.py"), self.codegen, *documents)
        assert done.returncode == 0, done.stderr
        outcomes: list[tuple[int, str]] = json.loads(done.stdout)
        return outcomes

    def _run(self, *program: str | Path) -> subprocess.CompletedProcess[str]:
        command = [self.environment / "bin" / "python", "-B", "-E", "-s", *program]
        return subprocess.run(command, cwd=self.package, capture_output=True, text=True, check=False)

    @property
    def codegen(self) -> Path:
        return self.root / "scripts" / "codegen"

    @property
    def package(self) -> Path:
        return self.root / "generated" / "replicate_api"

    def content(self) -> dict[str, bytes]:
        """Return the content of all files, by path."""
        return {str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
