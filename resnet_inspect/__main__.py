"""``python -m resnet_inspect``."""

from .cli import main

if __name__ == "__main__":
    main()
