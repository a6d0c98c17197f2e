# shellcheck shell=bash
# Requests and JSON without curl or jq: Node is there anyway. Sourced after node.sh. Secrets go by the environment, not by arguments.

# http_json METHOD URL POINTER [BODY]: the value at a JSON pointer in the answer, texts without quotes; status 1 and the answer on stderr
# when the answer is no success or has no such value. HTTP_AUTHORIZATION becomes the header. BODY `-` is read from standard input.
http_json() {
  local body=${4:-}
  [ "$body" != - ] || body=$(cat)
  # shellcheck disable=SC2016 # JavaScript, not shell
  HTTP_BODY=$body node -e '
    const [method, url, pointer] = process.argv.slice(1);
    const { HTTP_BODY: body, HTTP_AUTHORIZATION: authorization } = process.env;
    const headers = { "content-type": "application/json" };
    if (authorization) headers.authorization = authorization;
    fetch(url, { method, headers, body: body || undefined, signal: AbortSignal.timeout(20000) }).then(async (reply) => {
      const text = await reply.text();
      let value;
      try {
        value = pointer.split("/").slice(1).reduce((part, key) => part?.[key], JSON.parse(text));
      } catch {}
      if (!reply.ok || value === undefined) {
        console.error(`${method} ${url}: ${reply.status} ${text.slice(0, 300)}`);
        process.exitCode = 1;
      } else console.log(typeof value === "string" ? value : JSON.stringify(value));
    }, (error) => {
      console.error(`${method} ${url}: ${error.cause?.message ?? error.message}`);
      process.exitCode = 1;
    });' -- "$1" "$2" "$3"
}

# json_at FILE KEY: a text or number at the top level of a JSON file.
json_at() {
  node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))[process.argv[2]])' -- "$1" "$2"
}

# random_hex: 32 random bytes. random_base64: likewise.
random_hex() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
random_base64() { head -c 32 /dev/urandom | base64 | tr -d '\n'; }

# setup_link_sql TOKEN: the statement that makes TOKEN a setup link for one hour. Its hash alone is stored.
setup_link_sql() {
  local now
  now=$(date +%s)
  printf "INSERT INTO setup_links (token_hash, created_s, expires_s) VALUES ('%s', %d, %d)" \
    "$(printf '%s' "$1" | digest)" "$now" "$((now + 3600))"
}
