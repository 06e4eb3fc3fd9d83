"""The guard `delivery`: can it be built, tested, shipped and restored by somebody else?"""

from .checks import look as look
