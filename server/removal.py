"""Taking a task away for good: the files of its pictures, and its row."""

from server import paths
from server.parts import Parts
from server.store import TaskRow


def remove(row: TaskRow, parts: Parts) -> None:
    """Delete an ended task. Blocks; raises OSError.

    Files first: should it break off, the row still names what is left, and it can be asked for again. The pictures that
    were sent in stay, for other tasks may use them; with `--keep` they go when no task names them.
    """
    root = parts.outputs.folder
    for picture in row.pictures:
        if path := paths.picture_file(root / picture.day, root, picture.file):
            path.unlink(missing_ok=True)
            parts.thumbnails.forget(path)
    parts.store.delete_task(row.task_id)
