"""A browser whose user agrees to everything."""

import sys
from urllib.request import urlopen

urlopen(sys.argv[1], timeout=30).read()
