"""The engine for who has NLTK. Something stands in for that and its data here, as NLTK's documentation has it."""

import sys
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.redaction.model import EntityType
from core.redaction.nltk_reader import NltkReader

NLTK = """
import re

class Tree(list):
    def label(self): return "PERSON" if self[0][0] != "Kubernetes" else "ORGANIZATION"
    def leaves(self): return list(self)

def sent_tokenize(text): return text.split("\\n")
def word_tokenize(sentence): return re.findall(r"\\w+|[^\\w\\s]", sentence)
def pos_tag(words): return [(word, "NNP" if word[0].isupper() else "NN") for word in words]

def ne_chunk(tagged):
    chunks = []
    for word, tag in tagged:
        if tag == "NNP" and chunks and isinstance(chunks[-1], Tree):
            chunks[-1].append((word, tag))
        else:
            chunks.append(Tree([(word, tag)]) if tag == "NNP" else (word, tag))
    return chunks
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    (folder / "nltk.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "nltk", raising=False)


def test_names_are_found_where_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, NLTK)
    text = "met Ada Lovelace, then wrote to ada@acme.example\nso did Ada Lovelace on Kubernetes"
    [found] = NltkReader().find([text])
    names = [(one.start, text[one.start : one.end]) for one in found if one.type is EntityType.PERSON]
    assert names == [(4, "Ada Lovelace"), (56, "Ada Lovelace")]
    assert EntityType.EMAIL in {one.type for one in found}
    assert EntityType.ORGANIZATION not in {one.type for one in found}


@pytest.mark.parametrize(
    ("source", "what"),
    [("raise ImportError", "NLTK is not here"), ("def sent_tokenize(_): raise LookupError", "its data is not here")],
)
def test_without_it_or_its_data_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, what: str
) -> None:
    install(tmp_path, monkeypatch, source)
    with pytest.raises(ConfigurationError, match=f"PRIME_REDACTION_ENGINE is nltk, but {what}"):
        NltkReader()
