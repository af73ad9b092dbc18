"""Source texts that random monorepos are made of. Unaware of where they are put."""

from __future__ import annotations

HEAD = '''\
"""{name} of {package}."""
import glob
import importlib
import importlib.resources
import importlib.util
import os
import pathlib
import pkgutil
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).parent
'''

TELL = """
def tell(value):
    assert value % 29 != 11, value
    if value % 3 == 0:
        pytest.xfail("value %d" % value)
    if value % 5 != 0:
        pytest.skip("value %d" % value)


def mix(text):
    data = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape")
    return zlib.crc32(data) % 10007
"""

PLUG = """\
import pathlib
import pytest

NUMBER = {number}
FILE = pathlib.Path(__file__).parent / "wild_plug.txt"
TEXT = FILE.read_text() if FILE.exists() else ""


@pytest.fixture(scope="session")
def plugged():
    return NUMBER + len(TEXT)
"""

# Not here: what keeps state for later tests (`lru_cache`, `linecache.getlines`). A read that an
# earlier test made for this one is no event; isolation of tests is what helps, not observation.
# For the same reason no module copies what a test patches (the `P_…` constants).
READS = (
    "(HERE / 'data' / 'words.txt').read_text()",
    "(HERE / 'data' / 'more.txt').read_bytes()",
    "open(os.path.join(HERE, 'data', 'words.txt')).read()",
    "sorted(os.listdir(HERE / 'data' / 'parts'))",
    "sorted(p.name for p in (HERE / 'data' / 'parts').glob('*.txt'))",
    "sorted(os.path.basename(p) for p in glob.glob(str(HERE / 'data' / '*.txt')))",
    "sorted(str(p.relative_to(HERE)) for p in (HERE / 'data').rglob('*') if p.is_file())",
    "sorted(n for _, _, names in os.walk(HERE / 'data') for n in names)",
    "sorted(e.name for e in os.scandir(HERE / 'data') if e.is_file())",
    "os.path.exists(HERE / 'data' / 'flag')",
    "(HERE / 'data' / 'flag').is_file()",
    "os.path.isdir(HERE / 'data' / 'extra')",
    "os.stat(HERE / 'data' / 'more.txt').st_size",
    "os.path.getsize(HERE / 'data' / 'words.txt')",
    "os.access(HERE / 'data' / 'words.txt', os.X_OK)",
    "(HERE / 'data' / 'settings.local').exists()",
    "''.join(p.read_text() for p in sorted((HERE / 'data').glob('*.local')))",
    "pkgutil.get_data(__package__, 'data/words.txt') if __package__ else 1",
    "importlib.resources.files(__package__).joinpath('data/more.txt').read_text()",
    "sorted(m.name for m in pkgutil.iter_modules([str(HERE / 'plugins')]))",
    "list(ThreadPoolExecutor(1).map(lambda p: p.read_text(), [HERE / 'data' / 'more.txt']))",
    "os.environ.get('WILD_MODE', '')",
    "os.path.basename(os.path.realpath(HERE / 'data' / 'words.txt'))",
    "os.readlink(HERE / 'data' / 'way') if os.path.islink(HERE / 'data' / 'way') else 0",
    "(HERE / 'data' / 'way').read_text() if (HERE / 'data' / 'way').exists() else 1",
    "shutil.which('tool', path=str(HERE / 'data')) is None",
    "__import__('inspect').getsource(mix)",
    "__import__('configparser').ConfigParser().read([HERE / 'none.cfg', HERE / 'no.cfg']) == []",
    "__import__('filecmp').cmp(HERE / 'data/words.txt', HERE / 'data/more.txt', shallow=False)",
)

COMPUTED_READS = (
    (
        "sum(importlib.import_module('.plugins.' + m.name, __package__).VALUE"
        " for m in pkgutil.iter_modules([str(HERE / 'plugins')]))"
    ),
    "importlib.util.find_spec(__package__ + '.maybe') is not None",
    "__import__('runpy').run_path(str(HERE / 'plugins' / 'one.py'))['VALUE']",
)

FIXTURE_TESTS = (
    "def test_resource(resource):\n    tell(resource + {number})",
    "def test_derived(derived):\n    tell(derived + {call}())",
    (
        "class TestDerived:\n    @pytest.fixture\n    def mine(self, derived):\n"
        "        return derived * 2\n    def test_mine(self, mine):\n        tell(mine)"
    ),
    "def test_asked(request):\n    tell(request.getfixturevalue('resource'))",
)

TESTS = (
    (
        "def test_tmp(tmp_path):\n    (tmp_path / 'x').write_text('1')\n"
        "    tell(len(list(tmp_path.iterdir())) + {number})"
    ),
    "def test_read():\n    tell(mix((HERE / 'res.txt').read_text()))",
    "def test_listing():\n    tell(mix(sorted(p.name for p in HERE.glob('*.txt'))))",
    "def test_flag():\n    tell(int((HERE / 'flag').exists()) + {number})",
    (
        "@pytest.mark.parametrize('case', (HERE / 'cases.txt').read_text().split())\n"
        "def test_case(case):\n    tell(mix(case))"
    ),
    (
        "@pytest.mark.skipif((HERE / 'off').exists(), reason='switched off')\n"
        "def test_switch():\n    tell({call}() + 1)"
    ),
    "def test_flavour(request):\n    tell(mix(request.config.getini('flavour')))",
    (
        "def test_manifest(request):\n    path = request.config.rootpath / 'pyproject.toml'\n"
        "    tell(mix(path.read_bytes()) if path.exists() else 1)"
    ),
    (
        "def test_chdir(monkeypatch):\n    monkeypatch.chdir(HERE)\n"
        "    tell(mix(open('res.txt').read()))"
    ),
    (
        "def test_patched(monkeypatch):\n"
        "    monkeypatch.setattr('{package}.alpha.P_{package}_alpha', {number}, raising=False)\n"
        "    tell({call}())"
    ),
    "def test_optional():\n    fast = pytest.importorskip('fastpath')\n    tell(fast.VALUE)",
    (
        "class TestGroup:\n    @classmethod\n    def setup_class(cls):\n"
        "        cls.text = (HERE / 'cases.txt').read_text()\n"
        "    def test_text(self):\n        tell(mix(self.text))"
    ),
    "@pytest.mark.slow\ndef test_slow():\n    tell({call}() + {number})",
    "def test_shared():\n    from shared import one\n    tell(one.VALUE + {number})",
    "def test_shared_two():\n    import shared.two\n    tell(shared.two.VALUE + {number})",
    (
        "def test_aid():\n    try:\n        import aid_{package} as aid\n    except ImportError:\n"
        "        aid = None\n    tell(mix(aid.read()) + aid.VALUE if aid else {number})"
    ),
    (
        "def test_far():\n    try:\n        import far_{package} as far\n    except ImportError:\n"
        "        far = None\n    tell(far.VALUE if far else {number})"
    ),
    (
        "def test_caplog(caplog, capsys):\n    print({call}())\n"
        "    tell(int(capsys.readouterr().out))"
    ),
    (
        "def test_lazy_data():\n    import json\n    path = HERE / 'extra.json'\n"
        "    tell(json.loads(path.read_text()) if path.exists() else {number})"
    ),
    "def test_mode():\n    tell(mix(os.environ.get('WILD_MODE', '')))",
    "def test_path():\n    tell(len([p for p in sys.path if p.endswith('src')]) + {number})",
    "import unittest\nclass Old(unittest.TestCase):\n    def test_old(self):\n        tell({call}())",
    (
        "def test_output():\n    path = HERE / 'made.local'\n    path.write_text('made')\n"
        "    tell(mix(path.read_text()))"
    ),
)
