# What the machine tells of its way up. No word of it comes from a log or an error text, where keys may stand.
ROOT=${PRIME_ROOT:-} # empty on a real machine
STATE=$ROOT/var/lib/prime
RUN=$ROOT/run/prime # forgotten at power-off: nginx is up before this script and must not tell of the last boot

report() { # STAGE DETAIL
    local detail=$2 told
    if [ -s "$STATE/notes" ]; then detail+=" ($(paste -sd ';' "$STATE/notes"))"; fi
    told="\"stage\": \"$1\", \"detail\": \"$detail\""
    if [ "$told" = "${TOLD:-}" ]; then return; fi
    TOLD=$told
    (umask 022 && mkdir -p "$RUN")
    printf '{%s, "at": "%s"}\n' "$told" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$RUN/progress.json.$$"
    chmod 644 "$RUN/progress.json.$$"
    mv "$RUN/progress.json.$$" "$RUN/progress.json"
}

reason_of() { # TEXT: the kind of failure that a text of Docker or of an engine tells
    case $1 in
    *"could not select device driver"* | *nvidia-container-cli* | *"no CUDA-capable device"* | *"initialize NVML"*)
        echo "the GPU cannot be used: no NVIDIA driver or container toolkit" ;;
    *"out of memory"* | *OutOfMemory* | *"Not enough memory"* | *"No available memory for the cache blocks"*)
        echo "the model does not fit into the GPU memory" ;;
    *"No space left on device"*) echo "the disk is full" ;;
    *"port is already allocated"* | *"address already in use"*) echo "the port is taken" ;;
    *GatedRepo* | *"gated repo"* | *RepositoryNotFound* | *"401 Client Error"* | *"403 Client Error"*)
        echo "the model hub refused access to the model" ;;
    *"Download encountered an error"* | *ConnectionError* | *"Max retries exceeded"*)
        echo "the weights could not be downloaded" ;;
    *"unexpected argument"* | *"unrecognized arguments"* | *"invalid value"* | *ArgumentValidation* | *"invalid choice"*)
        echo "the engine refused its options" ;;
    *manifest*unknown* | *"manifest for"*"not found"* | *"pull access denied"*) echo "the image does not exist" ;;
    *) echo "the reason is in the engine's log" ;;
    esac
}
