"""A copy of the files that the generation reads and writes, in which to run it."""

from __future__ import annotations

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
        program = self.root / "scripts" / "codegen" / "regenerate.py"
        command = [self.environment / "bin" / "python", "-B", "-E", "-s", program, *arguments]
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
