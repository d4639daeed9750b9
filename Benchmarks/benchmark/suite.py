"""Everything that can be measured, by name."""

from .limit import limit
from .measurements import backlog, calls, clone, giant, idle, large, lone, sparse, waiting
from .peers import peers
from .scaled import copying, directories, draining, inspecting, rows, together

ALL = {
    measurement.__name__: measurement
    for measurement in (
        lone, draining, backlog, limit, large, together, copying, giant, sparse, waiting, idle, directories, rows,
        inspecting, peers, clone, calls)
}
NOT_BY_DEFAULT = {"clone", "calls"}
DEFAULT = [name for name in ALL if name not in NOT_BY_DEFAULT]
