"""What a machine runs as root at every boot: bash files, and the code that packs them into one text for the cloud.

`main.sh` is where to start reading; `front.sh` tells which files stand on a machine and what nginx answers."""
