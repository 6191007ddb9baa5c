"""What is set at launch: one frozen object, and the one place for every default."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from configs import devices, hosts, urls
from configs.amounts import is_amount
from configs.keep import is_limit
from configs.logs import LogFormat
from configs.option import Option, absolute, folder, number, option, parts, switch

ROOT = Path(__file__).resolve().parent.parent

Device = Literal["auto", "cpu", "cuda", "mps"]
Vram = Literal["auto", "high", "normal", "low", "cpu"]
Compile = Literal["off", "default", "max-autotune"]
LogLevel = Literal["debug", "info", "warning", "error"]


class SettingsError(ValueError):
    """A setting that cannot be used; its message is one sentence with the value and the way out."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may weigh."""

    max_pixels: int = 64_000_000
    max_side: int = 8192
    max_body: int = 128 * 1024 * 1024
    url_timeout_s: float = 20.0


LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that is decided at launch; picklable. Where it may be set is told by `configs.sources.load`.

    Raises SettingsError when a value is out of its range.
    """

    listen: str = field(
        default="127.0.0.1",
        metadata=option("address to serve on; --listen alone means 0.0.0.0: everybody", metavar="IP", bare="0.0.0.0"),
    )
    port: int = field(default=7866, metadata=number("port to serve on", "PORT"))
    base_url: str = field(
        default="127.0.0.1",
        metadata=option(
            "what returned URLs begin with; a whole URL is taken as it is, a bare host gets http:// and the port",
            metavar="URL",
        ),
    )
    apikey: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata=option("a key that clients must send, as X-API-KEY or as a bearer's", metavar="KEY", many=True),
    )
    apikey_file: Path | None = field(
        default=None,
        metadata=option("more keys: one a line, # for remarks", read=absolute, metavar="FILE"),
    )
    rate_limit: int = field(
        default=0,
        metadata=number("most requests a minute of one key, without keys of one address; 0: as many as there come"),
    )
    cors_origin: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "an origin whose pages may use the API in a browser, such as https://pictures.example; * for all",
            read=str.strip,
            metavar="ORIGIN",
            many=True,
        ),
    )
    known_host: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "a name by which this server is called where it has no key and listens on this machine only; * for all",
            read=str.strip,
            metavar="NAME",
            many=True,
        ),
    )
    root_path: str = field(
        default="",
        metadata=option("the path under which a reverse proxy serves Gesso, such as /gesso", metavar="PATH"),
    )
    forwarded_allow_ips: tuple[str, ...] = field(
        default=("127.0.0.1", "::1"),
        metadata=option(
            "proxies whose X-Forwarded-Host, -Proto and -Prefix are believed: addresses or networks, with commas; "
            "* for all",
            read=parts,
            metavar="IPS",
        ),
    )
    output_path: Path = field(default=ROOT / "outputs", metadata=folder("where the pictures that are made are kept"))
    input_path: Path = field(default=ROOT / "inputs", metadata=folder("where the pictures that are sent in are kept"))
    temp_path: Path | None = field(default=None, metadata=folder("for passing files; else the system's own"))
    models_path: Path = field(
        default=ROOT / "models",
        metadata=folder("your own weights, in Fooocus's folders: checkpoints, rembg, ..."),
    )
    download_hosts: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "sites beside those in configs/downloads.json that models may be fetched from, over http too: hosts, with "
            "or without a port, with commas",
            read=parts,
            metavar="HOSTS",
        ),
    )
    hf_mirror: str = field(
        default="",
        metadata=option("where models are fetched in place of https://huggingface.co", metavar="URL"),
    )
    preset: str = field(default="starter", metadata=option("preset to load at start, a name from configs/presets"))
    device: Device = field(
        default="auto",
        metadata=option("where models run; auto takes the best there is", choices=get_args(Device)),
    )
    devices: tuple[str, ...] = field(
        default=devices.AUTO,
        metadata=option(
            "devices that get a worker process each, with commas, such as cuda:0,cuda:1 or cpu,cpu; auto: every CUDA "
            "device, or one worker where there are not several",
            read=parts,
            metavar="DEVICES",
        ),
    )
    vram: Vram = field(
        default="auto",
        metadata=option(
            "how models lie on the device: high: whole; normal: part by part, as each is needed; low: layer by layer; "
            "cpu: not at all; auto: what there is room for",
            choices=get_args(Vram),
        ),
    )
    vram_limit: str = field(
        default="90%",
        metadata=option("most memory that models may take on the device, such as 8GB or 80%", metavar="AMOUNT"),
    )
    memory_limit: str = field(
        default="100%",
        metadata=option(
            "most memory of the device that a picture may take, models and all; what needs more is refused",
            metavar="AMOUNT",
        ),
    )
    max_batch: int = field(default=0, metadata=number("most pictures that share one pass; 0: what pays, on a CPU 1"))
    compile: Compile = field(
        default="off",
        metadata=option(
            "have torch compile the passes of sizes that recur, in the background: default, or max-autotune, which "
            "takes longer and looks for faster kernels",
            choices=get_args(Compile),
            bare="default",
        ),
    )
    fp8: bool = field(
        default=False,
        metadata=option("hold what paints as 8-bit floats: half the memory, less exact", read=switch, bare="true"),
    )
    threads: int = field(default=0, metadata=number("CPU threads that models may use; 0 lets them decide"))
    step_timeout: int = field(
        default=600,
        metadata=number(
            "seconds after which a denoising step (of each megapixel) counts as hung and its process is replaced; "
            "loading may take 6 times as long; 0: for ever",
            "SECONDS",
        ),
    )
    database: Path = field(
        default=Path("db.sqlite3"),
        metadata=option("task records; a relative path starts from the output folder", read=Path, metavar="FILE"),
    )
    database_url: str = field(
        default="",
        repr=False,
        metadata=option(
            "another database for the task records, as a SQLAlchemy URL; wins over --database", metavar="URL"
        ),
    )
    keep: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "what is kept of ended tasks: an age (30d), a number (5000), or pictures of so many bytes (20GB); "
            "older ones go, with pictures and inputs",
            read=str.strip,
            metavar="LIMIT",
            many=True,
        ),
    )
    disable_metadata: bool = field(
        default=False,
        metadata=option("write no prompt, seed or size into the pictures", read=switch, bare="true"),
    )
    nowebui: bool = field(
        default=False,
        metadata=option("serve the API without the page at /", read=switch, bare="true"),
    )
    allow_host: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "a host that URLs in requests may lead to although its address is not everybody's: a name, an address or "
            "a network, with or without a port",
            read=str.strip,
            metavar="HOST",
            many=True,
        ),
    )
    webhook_url: str = field(
        default="",
        metadata=option("who is told of the end of every task whose request names nobody else", metavar="URL"),
    )
    webhook_secret: str = field(
        default="",
        repr=False,
        metadata=option("key with which webhook messages are signed (HMAC-SHA256)", metavar="TEXT"),
    )
    webhook_legacy: bool = field(
        default=False,
        metadata=option("send webhook messages as FooocusAPI does: JSON text within JSON", read=switch, bare="true"),
    )
    max_queue: int = field(
        default=10_000, metadata=number("most tasks that may wait; what comes on top is answered with 429")
    )
    request_timeout: int = field(
        default=30,
        metadata=number("seconds for a request's head to come, and for more of its body; 0: for ever", "SECONDS"),
    )
    log_format: LogFormat = field(
        default="console",
        metadata=option("how messages are printed: for people, or one JSON object a line", choices=get_args(LogFormat)),
    )
    log_level: LogLevel = field(
        default="info",
        metadata=option("least important message to print", choices=get_args(LogLevel)),
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "database", self.output_path / self.database)
        _refuse(not 1 <= self.port <= 65535, "port", self.port, "take one from 1 to 65535")
        named = ",".join(self.devices)
        _refuse(not devices.are_devices(self.devices), "devices", named, "give auto, or devices of one kind: cuda:0")
        other = self.device != "auto" and self.devices != devices.AUTO and devices.kind(self.devices[0]) != self.device
        _refuse(other, "devices", named, f"take devices of --device {self.device}, or leave that at auto")
        _refuse(self.max_batch < 0, "max_batch", self.max_batch, "take 0 (decide for me) or more")
        _refuse(self.step_timeout < 0, "step_timeout", self.step_timeout, "take 0 (for ever) or more seconds")
        _refuse(self.request_timeout < 0, "request_timeout", self.request_timeout, "take 0 (for ever) or more seconds")
        _refuse(self.max_queue < 1, "max_queue", self.max_queue, "take 1 or more")
        _refuse(self.fp8 and self.device == "mps", "fp8", True, "MPS has no 8-bit floats, leave it out")
        _refuse(self.threads < 0, "threads", self.threads, "take 0 (decide for me) or more")
        _refuse(not is_amount(self.vram_limit), "vram_limit", self.vram_limit, "give 8GB, 6.5GiB or 80%")
        _refuse(not is_amount(self.memory_limit), "memory_limit", self.memory_limit, "give 8GB, 6.5GiB or 80%")
        _refuse(not urls.is_path(self.root_path), "root_path", self.root_path, "give a path, such as /gesso")
        for name in ("webhook_url", "hf_mirror"):
            url = getattr(self, name)
            _refuse(bool(url) and not urls.is_web_url(url), name, url, "give a http:// or https:// URL")
        for host in self.download_hosts:
            _refuse(
                not urls.is_web_url(f"http://{host}") or "/" in host,
                "download_hosts",
                host,
                "give hosts, as a.example:80",
            )
        for ip in self.forwarded_allow_ips:
            _refuse(
                not urls.is_network(ip), "forwarded_allow_ips", ip, "give addresses or networks, such as 10.0.0.0/8"
            )
        object.__setattr__(self, "apikey", tuple(key for key in self.apikey if key))
        _refuse(self.rate_limit < 0, "rate_limit", self.rate_limit, "take 0 (no limit) or more")
        for origin in self.cors_origin:
            _refuse(
                not urls.is_origin(origin), "cors_origin", origin, "give http(s)://host, such as https://art.example"
            )
        for name in self.known_host:
            wrong_name = name != "*" and not hosts.is_host(name)
            _refuse(wrong_name, "known_host", name, "give a name, such as pictures.example")
        for limit in self.keep:
            _refuse(not is_limit(limit), "keep", limit, "give an age (30d), a number (5000) or an amount (20GB)")
        for host in self.allow_host:
            _refuse(not hosts.is_host(host), "allow_host", host, "give a name, an address or a network")
        _refuse(not self.listen.strip(), "listen", self.listen, "give an address, such as 127.0.0.1")
        for name, told in options().items():
            value = getattr(self, name)
            wrong = bool(told.choices) and value not in told.choices
            _refuse(wrong, name, value, "take one of " + ", ".join(told.choices))


def options() -> dict[str, Option]:
    """Every setting by its field's name, in the order of the help."""
    return {shape.name: shape.metadata["option"] for shape in fields(Settings)}


def flag(name: str) -> str:
    """A field's spelling on the command line: `output_path` → `--output-path`."""
    return "--" + name.replace("_", "-")


def public_url(settings: Settings) -> str:
    """What returned URLs begin with, without a slash at the end (contract, section 1).

    A whole --base-url is taken as it is; a host gets the port and --root-path.
    """
    base = settings.base_url.strip().rstrip("/")
    return base if "://" in base else f"http://{base}:{settings.port}{settings.root_path.rstrip('/')}"


def _refuse(wrong: bool, name: str, value: object, way_out: str) -> None:
    if wrong:
        raise SettingsError(f"{flag(name)} cannot be {value!r}: {way_out}.")
