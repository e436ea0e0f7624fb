# nginx with TLS in front of the engine. It demands the server's key everywhere but on /health, where engines leave
# much open, and tells who the machine is and how far it has come:
#   $ETC/key, $ETC/engine.env, $ETC/tls.key, nginx's prime.conf   for root alone
#   $ETC/tls.crt                                                  made here once; its key never leaves the machine
#   $STATE/identity.json                                          its fingerprint, proven with the server's key
#   $RUN/progress.json                                            see progress.sh
ETC=$ROOT/etc/prime

keep_secrets() {
    if [ -n "${KEY:-}" ]; then
        printf '%s\n' "$KEY" | put "$ETC/key" 600
        {
            printf '%s=%s\n' "$KEY_VARIABLE" "$KEY"
            if [ -n "${HUB_TOKEN:-}" ]; then printf 'HF_TOKEN=%s\n' "$HUB_TOKEN"; fi
        } | put "$ETC/engine.env" 600
    fi
    [ -s "$ETC/key" ] && [ -s "$ETC/engine.env" ]
}

put_front() {
    has nginx || apt_install nginx
    has nginx || { note "nginx is missing"; return; }
    make_certificate || { note "no certificate could be made"; return; }
    write_identity
    mkdir -p "$ROOT/etc/nginx/conf.d" "$ROOT/var/log"
    nginx_configuration | put "$ROOT/etc/nginx/conf.d/prime.conf" 600
    rm -f "$ROOT/etc/nginx/sites-enabled/default" # Debian's greeting on port 80
    systemctl restart nginx || nginx -s reload || nginx || note "nginx does not start"
}

make_certificate() {
    if [ -s "$ETC/tls.crt" ] && [ -s "$ETC/tls.key" ]; then return; fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7300 -subj /CN=prime \
        -keyout "$ETC/tls.key" -out "$ETC/tls.crt.new" 2>/dev/null && mv "$ETC/tls.crt.new" "$ETC/tls.crt"
}

write_identity() {
    local fingerprint
    fingerprint=$(openssl x509 -in "$ETC/tls.crt" -outform DER | sha256sum | cut -d ' ' -f 1)
    printf '{"fingerprint": "%s", "hmac": "%s"}\n' "$fingerprint" "$(keyed_hash "prime-identity:$fingerprint")" |
        put "$STATE/identity.json" 644
}

keyed_hash() { # TEXT: its HMAC-SHA256 under the server's key, which openssl would want on its command line
    python3 -c '
import hashlib, hmac, pathlib, sys
key = pathlib.Path(sys.argv[1]).read_bytes().strip()
print(hmac.new(key, sys.argv[2].encode(), hashlib.sha256).hexdigest())' "$ETC/key" "$1"
}

nginx_configuration() {
    local key token
    key=$(<"$ETC/key")
    token=$(keyed_hash prime-identity-token)
    # Regular expressions, since a map compares plain strings without regard to case.
    cat <<CONFIGURATION
map \$http_authorization \$prime_key {
    default 0;
    "~^Bearer $key\$" 1;
}
map \$http_authorization \$prime_identity {
    default 0;
    "~^Bearer ($key|$token)\$" 1;
}
server {
    listen 0.0.0.0:$PORT ssl;
    ssl_certificate "$ETC/tls.crt";
    ssl_certificate_key "$ETC/tls.key";
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;

    server_tokens off;
    access_log off;
    error_log "$ROOT/var/log/prime-nginx.log" crit;
    default_type application/json;
    gzip off;

    # Prompts are kept in memory, answers passed on as they come.
    client_max_body_size 2m;
    client_body_buffer_size 2m;
    proxy_buffering off;
    proxy_max_temp_file_size 0;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host \$host;
    proxy_connect_timeout 5s;
    proxy_read_timeout 1h;
    proxy_send_timeout 1h;

    location = /health {
        limit_except GET { deny all; }
        client_max_body_size 1k;
        proxy_pass http://127.0.0.1:$ENGINE_PORT/health;
    }
    location = /.prime/identity {
        if (\$prime_identity = 0) { return 401; }
        alias "$STATE/identity.json";
    }
    location = /.prime/progress {
        if (\$prime_key = 0) { return 401; }
        alias "$RUN/progress.json";
    }
    location / {
        if (\$prime_key = 0) { return 401; }
        proxy_pass http://127.0.0.1:$ENGINE_PORT;
    }
}
CONFIGURATION
}
