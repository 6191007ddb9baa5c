"""What is counted while the server runs, for Prometheus to fetch at `/metrics`."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipelines.events import Beat

WAITS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
RUNS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
STEPS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)


class Metrics(Collector):
    """Counts since the start. Lives on the event loop."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.tasks = Counter("gesso_tasks", "tasks that have ended", ["status"], registry=registry)
        self.failures = Counter(
            "gesso_failures", "failures of tasks by cause, retries among them", ["cause"], registry=registry
        )
        self.images = Counter("gesso_images", "pictures that were made", registry=registry)
        self.restarts = Counter("gesso_worker_starts", "worker processes that were started", registry=registry)
        self.wait = Histogram("gesso_task_wait_seconds", "from accepted to begun", buckets=WAITS, registry=registry)
        self.run = Histogram("gesso_task_run_seconds", "from begun to ended", buckets=RUNS, registry=registry)
        self.step = Histogram(
            "gesso_step_seconds", "from one denoising step to the next", buckets=STEPS, registry=registry
        )
        self.waiting = self.running = 0
        self.ready = False
        self._beat: Beat | None = None
        self._registry.register(self)

    def heard(self, beat: Beat) -> None:
        """What the worker process tells of its memory and its work."""
        self._beat = beat

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What is true at this moment."""
        gauges: dict[str, tuple[str, float | None]] = {
            "gesso_queue_depth": ("tasks that wait", self.waiting),
            "gesso_tasks_running": ("tasks that are being painted", self.running),
            "gesso_ready": ("1 while the preset's models are resident", int(self.ready)),
        }
        facts: Mapping[str, float | None] = self._beat.facts if self._beat else {}
        for name, words in (
            ("worker_memory", "bytes of main memory that the worker process takes"),
            ("device_memory", "bytes of the device's memory that models and their work take"),
            ("models", "models that are loaded"),
            ("cache_hits", "times that a model was wanted and there, since the worker started"),
            ("cache_misses", "times that a model had to be loaded, since the worker started"),
            ("prompt_hits", "texts whose encoding was kept from before, since the worker started"),
            ("prompt_misses", "texts that were encoded, since the worker started"),
            ("passes", "passes through a model, since the worker started"),
            ("pass_shares", "pictures that these passes went for, as many as each was shared by"),
        ):
            gauges[f"gesso_{name}"] = (words, facts.get(name))
        for name, (words, value) in gauges.items():
            if value is not None:
                yield GaugeMetricFamily(name, words, value=value)
