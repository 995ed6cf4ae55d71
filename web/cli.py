"""The `filodiretto` command."""


def main() -> None:
    """Placeholder until the commands are wired."""


if __name__ == "__main__":
    main()
