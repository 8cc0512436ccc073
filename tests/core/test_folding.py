"""Texts without regard to case."""

import pytest

from console.core.folding import fold


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Ошибка при оплате", "ОШИБКА ПРИ ОПЛАТЕ"),
        ("Größe ÄNDERN", "GRÖSSE ändern"),
        ("Straße", "STRAẞE"),
        ("İstanbul", "istanbul"),
        ("İstanbul", "ISTANBUL"),
        ("ılık", "ILIK"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"),
        ("Ärger", "A\u0308RGER"),
        ("ǅabić", "ǄABIĆ"),
        ("Երևան", "ԵՐԵՒԱՆ"),
        ("ᎣᏏᏲ", "ꭳꮟᏺ"),
        ("ﬁle", "FILE"),
        ("KeyError", "KEYERROR"),
    ],
)
def test_two_writings_of_a_word_are_the_same(text, same):
    assert fold(text) == fold(same)


@pytest.mark.parametrize(("text", "different"), [("Übel", "Ubel"), ("シ", "ジ"), ("ё", "е")])
def test_different_letters_stay_different(text, different):
    assert fold(text) != fold(different)


def test_folding_twice_changes_nothing():
    for text in ("İSTANBUL ΟΔΟΣ Größe", "ᎣᏏᏲ", "A\u0308"):
        assert fold(fold(text)) == fold(text)
