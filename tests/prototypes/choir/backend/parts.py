PARTS = ["soprano", "alto", "tenor", "bass"]


def part_of(number):
    return PARTS[number % len(PARTS)]
