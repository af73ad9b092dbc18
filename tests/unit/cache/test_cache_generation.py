"""The generation read on the quick path is the store's own."""

from affected.cache.disk import DiskStore
from affected.cache.generation import generation_at


def test_the_quick_reading_agrees_with_the_store_before_and_after_an_eviction(tmp_path):
    store = DiskStore(tmp_path / "records", 1_000_000)
    store.put("ab" * 32, b"record", {})
    ledger = str(tmp_path / "records" / "ledger")
    before = generation_at(ledger)
    assert before == store.generation()
    store.clear()
    assert generation_at(ledger) == store.generation() != before


def test_without_a_ledger_there_is_no_generation(tmp_path):
    assert generation_at(str(tmp_path / "ledger")) == ""
