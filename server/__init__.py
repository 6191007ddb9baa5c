"""HTTP, tasks and files. It knows no model: work is decided by `pipelines` and done in worker processes."""
