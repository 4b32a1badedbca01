"""Our own stores keep the contract that we give to others."""

import pytest

from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.testing import RunStoreContract


class TestSqliteStore(RunStoreContract):
    """SQLite keeps every promise of RunStore."""

    @pytest.fixture
    def store(self, tmp_path):
        return SqliteStore(tmp_path / "index.db")


class TestStoreInMemory(RunStoreContract):
    """So does the store that a reader without the right to write uses."""

    @pytest.fixture
    def store(self):
        return SqliteStore(None)
