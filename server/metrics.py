"""What is counted while the server runs, for Prometheus to fetch at `/metrics`."""

from collections.abc import Iterable

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
        self.workers = 1
        self.workers_ready = 0
        self._beats: dict[int, Beat] = {}
        self._registry.register(self)

    def heard(self, beat: Beat, worker: int) -> None:
        """What a worker process tells of its memory and its work, by its number."""
        self._beats[worker] = beat

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What is true at this moment."""
        gauges = {
            "gesso_queue_depth": ("tasks that wait", self.waiting),
            "gesso_tasks_running": ("tasks that are being painted", self.running),
            "gesso_ready": ("1 while the preset's models are resident", int(self.ready)),
            "gesso_workers_ready": ("worker processes that have them", self.workers_ready),
        }
        for told, (words, value) in gauges.items():
            yield GaugeMetricFamily(told, words, value=value)
        yield from self._of_workers()

    def _of_workers(self) -> Iterable[GaugeMetricFamily]:
        """What the workers tell; labelled with their numbers where there are several."""
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
            gauge = GaugeMetricFamily(f"gesso_{name}", words, labels=["worker"] if self.workers > 1 else [])
            for number, beat in sorted(self._beats.items()):
                if (value := beat.facts.get(name)) is not None:
                    gauge.add_metric([str(number)] if self.workers > 1 else [], value)
            if gauge.samples:
                yield gauge
