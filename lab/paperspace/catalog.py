"""What Paperspace rents: regions, machine types with prices, disks, templates (paperspace-api.md sections 7 and 13)."""

from dataclasses import dataclass
from enum import StrEnum

GIB = 1024**3


class Region(StrEnum):
    """By the long label, which answers hold."""

    NY2 = "East Coast (NY2)"
    CA1 = "West Coast (CA1)"
    AMS1 = "Europe (AMS1)"

    @classmethod
    def parse(cls, text: str) -> "Region | None":
        """`ny2`, `NY2` and the long label mean the same."""
        return next((region for region in cls if text in (region.value, region.name, region.name.lower())), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineType:
    label: str
    cpus: int
    ram_gb: float
    usd_per_hour: float
    regions: tuple[Region, ...]
    gpu: str | None = None
    """As `accelerators[].name` says it."""
    gpu_gb: int = 0
    """Of one card."""
    gpu_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    id: str
    name: str
    os: str
    agent: str
    types: tuple[str, ...]
    default_gb: int | None = None

    @property
    def minimum_gb(self) -> int:
        return self.default_gb or SMALLEST_DISK_GB


@dataclass(frozen=True, slots=True)
class DiskPrice:
    up_to_gb: int
    usd_per_hour: float
    usd_per_month: float


DISKS = (
    DiskPrice(50, 0.0074, 5),
    DiskPrice(100, 0.0104, 7),
    DiskPrice(250, 0.0149, 10),
    DiskPrice(500, 0.0372, 25),
    DiskPrice(1000, 0.0818, 55),
    DiskPrice(2000, 0.1786, 120),
)
SMALLEST_DISK_GB = 50
LARGEST_DISK_GB = DISKS[-1].up_to_gb
STATIC_IP_USD_PER_HOUR = 0.0045


def disk_price(size_gb: float) -> DiskPrice:
    return next(price for price in DISKS if size_gb <= price.up_to_gb)


def _cpu_types() -> list[MachineType]:
    rows = (
        ("C1", 1, 0.5, 0.0045), ("C2", 1, 1, 0.009), ("C3", 2, 2, 0.018), ("C4", 2, 4, 0.04), ("C5", 4, 8, 0.08),
        ("C6", 8, 16, 0.16), ("C7", 12, 30, 0.30), ("C8", 16, 60, 0.60), ("C9", 24, 120, 0.90), ("C10", 32, 244, 1.60),
    )  # fmt: skip
    return [
        MachineType(label=label, cpus=cpus, ram_gb=ram, usd_per_hour=usd, regions=tuple(Region))
        for label, cpus, ram, usd in rows
    ]


def _gpu_types() -> list[MachineType]:
    ny2, ca1, ams1 = Region
    everywhere, east_and_west, east_and_europe, east = (ny2, ca1, ams1), (ny2, ca1), (ny2, ams1), (ny2,)
    cards = (  # label, GPU, its GB, vCPU, RAM GB, $/h, regions, counts beside one
        ("GPU+", "Quadro M4000", 8, 8, 30, 0.45, east_and_europe, (2, 4)),
        ("P4000", "Quadro P4000", 8, 8, 30, 0.51, everywhere, (2, 4)),
        ("P5000", "Quadro P5000", 16, 8, 30, 0.78, everywhere, (2, 4)),
        ("P6000", "Quadro P6000", 24, 8, 30, 1.10, everywhere, (2, 4)),
        ("RTX4000", "Quadro RTX4000", 8, 8, 30, 0.56, everywhere, (2, 4)),
        ("RTX5000", "Quadro RTX5000", 16, 8, 30, 0.82, east, (2, 4)),
        ("A4000", "Ampere A4000", 16, 8, 45, 0.76, everywhere, (2, 4)),
        ("A5000", "Ampere A5000", 24, 8, 45, 1.38, east_and_west, (2, 4)),
        ("A6000", "Ampere A6000", 48, 8, 45, 1.89, east_and_west, (2, 4)),
        ("V100", "Tesla V100", 16, 8, 30, 2.30, east_and_europe, ()),
        ("V100-32G", "Tesla V100", 32, 8, 30, 2.30, east, (2, 4)),
        ("A100", "Ampere A100", 40, 12, 90, 3.09, east, (8,)),
        ("A100-80G", "Ampere A100 80G", 80, 12, 90, 3.18, east, (8,)),
        ("H100", "Hopper H100", 80, 20, 250, 5.95, east, (8,)),
        ("L40S", "Ada L40S", 48, 8, 64, 1.57, east, ()),  # made up: a type that is newer than anybody's price list
    )
    known = {  # vCPU and RAM GB where they are not just so many times those of one card
        "P4000x2": (16, 64), "A4000x2": (16, 92), "A4000x4": (32, 193), "V100-32Gx2": (16, 64), "V100-32Gx4": (32, 128),
        "A100-80Gx8": (96, 640), "H100x8": (128, 2048),
    }  # fmt: skip
    types: list[MachineType] = []
    for card, gpu, gpu_gb, cpus, ram_gb, usd, regions, counts in cards:
        for count in (1, *counts):
            label = card if count == 1 else f"{card}x{count}"
            all_cpus, all_ram_gb = known.get(label, (cpus * count, ram_gb * count))
            types.append(
                MachineType(
                    label=label,
                    cpus=all_cpus,
                    ram_gb=all_ram_gb,
                    usd_per_hour=round(usd * count, 4),
                    regions=regions,
                    gpu=gpu,
                    gpu_gb=gpu_gb,
                    gpu_count=count,
                )
            )
    return types


TYPES = {kind.label: kind for kind in (*_cpu_types(), *_gpu_types())}


def _templates() -> list[Template]:
    cpu = tuple(kind.label for kind in TYPES.values() if not kind.gpu)
    gpu = tuple(kind.label for kind in TYPES.values() if kind.gpu)
    large = tuple(label for label in gpu if label.startswith(("A100", "H100")))
    small = tuple(label for label in gpu if label not in large)
    box, headless = "ML-in-a-Box", "LinuxHeadless"
    rows = (  # id, name, system, agent, types, default GB
        ("t0nspur5", "ubuntu-22-server", "Ubuntu 22.04 Server", headless, cpu, None),
        ("tkni3aa4", "ubuntu-20-server", "Ubuntu 20.04 Server", headless, cpu, None),
        ("t17d1a6i", "ubuntu-22-desktop", "Ubuntu 22.04 Desktop", "LinuxDesktop", small, None),
        ("twnlo3zj", "mliab-u20", f"{box} 20.04", headless, small, None),
        ("tqqsxr6b", "mliab-u22-a100", f"{box} 22.04", headless, ("A100", "A100-80G"), 100),
        ("tvimtol9", "mliab-u22-a100x8", f"{box} 22.04", headless, ("A100x8", "A100-80Gx8"), 100),
        ("tilqt47t", "mliab-u22-h100", f"{box} 22.04", headless, ("H100",), 100),
        ("t7vp562h", "mliab-u22-h100x8", f"{box} 22.04", headless, ("H100x8",), 100),
    )
    return [
        Template(id=id_, name=name, os=system, agent=agent, types=types, default_gb=default_gb)
        for id_, name, system, agent, types, default_gb in rows
    ]


TEMPLATES = {template.id: template for template in _templates()}
