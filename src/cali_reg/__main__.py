"""``python -m cali_reg`` is ``cali-reg``."""

import sys

from cali_reg.cli.entrypoint import main

sys.exit(main())
