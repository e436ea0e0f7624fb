"""Programs that call a server, to copy. `tests/contract/test_snippets.py` runs them.

The machine's certificate is signed by itself, for no address: so it is fetched once, compared with the fingerprint
that Prime pinned, and then is all that is trusted."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

QUESTION = "Why is the sky blue?"
LENGTH = 200
_ANY_NAME = "prime"
"""What the certificate is made out to (`providers/startup/front.sh`); curl wants the name to fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    name: str
    """The server's."""
    url: str
    model: str
    """What the engine calls it."""

    @property
    def is_encrypted(self) -> bool:
        return self.url.startswith("https://")

    @property
    def place(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    @property
    def certificate(self) -> str:
        return f"{self.name}.pem"

    @property
    def body(self) -> str:
        message = {"role": "user", "content": QUESTION}
        return json.dumps({"model": self.model, "messages": [message], "max_tokens": LENGTH})


def build_fetch_certificate(target: Target) -> str:
    return (
        f"openssl s_client -connect {target.place} </dev/null 2>/dev/null | openssl x509 >{target.certificate}\n"
        f"openssl x509 -in {target.certificate} -noout -fingerprint -sha256"
    )


def build_curl(target: Target) -> str:
    url, trust = target.url, ""
    if target.is_encrypted:
        port = target.place.rpartition(":")[2]
        url = f"https://{_ANY_NAME}:{port}"
        trust = f"  --cacert {target.certificate} --connect-to {_ANY_NAME}:{port}:{target.place} \\\n"
    return (
        f"curl {url}/v1/chat/completions \\\n{trust}"
        '  -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\\n'
        f"  -d '{target.body}'"
    )


def build_openai(target: Target) -> str:
    trust = ", http_client=httpx.Client(verify=tls)" if target.is_encrypted else ""
    client = f'OpenAI(base_url="{target.url}/v1", api_key=os.environ["KEY"]{trust})'
    return (
        f"import os\n{_imports(target) or chr(10)}from openai import OpenAI\n\n{_trust(target)}"
        f"client = {client}\n"
        "answer = client.chat.completions.create(\n"
        f'    model="{target.model}", messages=[{{"role": "user", "content": "{QUESTION}"}}], max_tokens={LENGTH}\n)\n'
        "print(answer.choices[0].message.content)"
    )


def build_httpx(target: Target) -> str:
    imports = _imports(target) or "\nimport httpx\n"
    return (
        f"import os\n{imports}\n{_trust(target)}"
        f'answer = httpx.post(\n    "{target.url}/v1/chat/completions",\n'
        '    headers={"Authorization": "Bearer " + os.environ["KEY"]},\n'
        f"    json={target.body},\n    timeout=120{', verify=tls' if target.is_encrypted else ''},\n)\n"
        'print(answer.raise_for_status().json()["choices"][0]["message"]["content"])'
    )


def build_node(target: Target) -> str:
    scheme = "https" if target.is_encrypted else "http"
    files, trust = "", ""
    if target.is_encrypted:
        files = 'import { readFileSync } from "node:fs";\n'
        trust = (
            f'  ca: readFileSync("{target.certificate}"),\n'
            "  checkServerIdentity: () => undefined, // only this certificate is trusted\n"
        )
    return (
        f'{files}import {{ request }} from "node:{scheme}";\n\n'
        f'const call = request("{target.url}/v1/chat/completions", {{\n  method: "POST",\n{trust}'
        '  headers: { Authorization: "Bearer " + process.env.KEY, "Content-Type": "application/json" },\n'
        "}, async (answer) => {\n"
        '  let text = "";\n'
        "  for await (const part of answer) text += part;\n"
        "  console.log(JSON.parse(text).choices[0].message.content);\n"
        "});\n"
        f"call.end(JSON.stringify({target.body}));"
    )


def _imports(target: Target) -> str:
    return "import ssl\n\nimport httpx\n" if target.is_encrypted else ""


def _trust(target: Target) -> str:
    if not target.is_encrypted:
        return ""
    return (
        "tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
        "tls.check_hostname = False  # only this certificate is trusted\n"
        f'tls.load_verify_locations("{target.certificate}")\n'
    )
