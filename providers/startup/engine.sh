# The engine as a Docker container. Docker is asked: info, image inspect, pull, inspect, rm -f, run -d, start.
NVIDIA=https://nvidia.github.io/libnvidia-container

put_docker() {
    has docker || apt_install docker.io
    has docker || return
    docker info >/dev/null 2>&1 || systemctl enable --now docker || note "Docker does not start"
}

put_gpu_toolkit() {
    if ! has nvidia-smi; then
        note "no NVIDIA driver here"
    elif ! has nvidia-ctk; then
        install_gpu_toolkit || note "no NVIDIA container toolkit"
    fi
}

install_gpu_toolkit() {
    local keyring=$ROOT/etc/apt/keyrings/nvidia-container-toolkit.asc
    mkdir -p "${keyring%/*}" "$ROOT/etc/apt/sources.list.d"
    chmod 755 "${keyring%/*}"
    curl -fsSL -m 60 "$NVIDIA/gpgkey" | put "$keyring" 644
    [ -s "$keyring" ] || return
    # apt itself puts the architecture in the place of $(ARCH).
    # shellcheck disable=SC2016
    printf 'deb [signed-by=%s] %s/stable/deb/$(ARCH) /\n' "$keyring" "$NVIDIA" |
        put "$ROOT/etc/apt/sources.list.d/nvidia-container-toolkit.list" 644
    apt_install nvidia-container-toolkit && has nvidia-ctk || return
    nvidia-ctk runtime configure --runtime=docker >/dev/null && systemctl restart docker
}

# The cloud gives this very script, with its secrets, to whoever asks from the machine. Containers may not ask.
block_metadata() {
    local address
    for address in "${BLOCKED[@]}"; do
        iptables -w 10 -C DOCKER-USER -d "$address" -j DROP 2>/dev/null ||
            iptables -w 10 -I DOCKER-USER -d "$address" -j DROP ||
            note "containers can reach $address"
    done
}

pull_image() {
    local pause
    if docker image inspect "$IMAGE" >/dev/null 2>&1; then return; fi
    report pulling "fetching the engine"
    for pause in 0 5 10; do
        sleep "$pause"
        docker pull "$IMAGE" 2>&1 | tell_layers
        if [ "${PIPESTATUS[0]}" = 0 ]; then return; fi
    done
    note "the image could not be fetched"
}

tell_layers() {
    local line total=0 pulled=0
    while IFS= read -r line; do
        case $line in
        *": Pulling fs layer") total=$((total + 1)) ;;
        *": Already exists") total=$((total + 1)) pulled=$((pulled + 1)) ;;
        *": Pull complete") pulled=$((pulled + 1)) ;;
        *) continue ;;
        esac
        report pulling "pulled $pulled of $total"
    done
}

run_engine() {
    local published=0.0.0.0:$PORT launch variable failure
    if [ "$SCHEME" = https ]; then published=127.0.0.1:$ENGINE_PORT; fi
    local -a command=(docker run -d --name prime-engine --restart unless-stopped --gpus all --shm-size 1g
        --log-opt max-size=10m --log-opt max-file=3 --env-file "$ETC/engine.env"
        -p "$published:$CONTAINER_PORT" -v prime-weights:/data)
    for variable in "${ENVIRONMENT[@]}"; do command+=(-e "$variable"); done
    command+=("$IMAGE" "${ARGUMENTS[@]}")

    launch=$({ printf '%s\0' "${command[@]}" && cat "$ETC/engine.env"; } | sha256sum)
    if [ "$(cat "$STATE/launch" 2>/dev/null)" = "$launch" ] && docker inspect prime-engine >/dev/null 2>&1; then
        docker start prime-engine >/dev/null && return
    fi
    rm -f "$STATE/launch"
    docker rm -f prime-engine >/dev/null 2>&1
    if failure=$("${command[@]}" 2>&1 >/dev/null); then
        printf '%s\n' "$launch" | put "$STATE/launch" 600
    else
        report failed "Docker could not start the engine: $(reason_of "$failure")"
        return 1
    fi
}
