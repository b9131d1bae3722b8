import heapq
import os
from pathlib import Path
from typing import Iterator


def largest(folder: Path, count: int) -> "list[tuple[int, Path]]":
    """Sizes and paths of the largest files below a folder, the largest first. Links are not followed."""
    return heapq.nlargest(count, files_in(folder))


def files_in(folder: Path) -> "Iterator[tuple[int, Path]]":
    for path, _, names in os.walk(folder):
        for name in names:
            file = Path(path, name)
            if file.is_file() and not file.is_symlink():
                yield file.stat().st_size, file.relative_to(folder)
