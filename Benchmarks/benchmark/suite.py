"""Everything that can be measured, by name."""

from .limit import limit
from .measurements import backlog, calls, giant, idle, large, lone, sparse, waiting
from .peers import peers
from .scaled import clone, copying, directories, draining, inspecting, rows, together, untouched

ALL = {
    measurement.__name__: measurement
    for measurement in (
        lone, draining, backlog, limit, together, clone, copying, giant, sparse, waiting, idle, directories, untouched, rows,
        inspecting, peers, large, calls)
}
NOT_BY_DEFAULT = {"large", "calls"}
DEFAULT = [name for name in ALL if name not in NOT_BY_DEFAULT]
