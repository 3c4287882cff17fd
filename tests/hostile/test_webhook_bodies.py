"""Bodies that anybody may send to a webhook: each is taken or refused in a sentence, at a cost that its length sets."""

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests import live
from tests.given import chain
from tests.postgres import cloned_database
