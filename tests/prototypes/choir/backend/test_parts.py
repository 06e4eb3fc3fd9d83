from parts import part_of


def test_starts_again_after_the_basses():
    assert part_of(4) == "soprano"
