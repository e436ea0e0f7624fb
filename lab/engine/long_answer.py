"""A long answer in Markdown with all that models write: the same at every call."""

CHARACTERS = 30_000

_TOPICS = (
    "Weights and memory", "Batching", "The key-value cache", "Quantization", "Sampling", "Streaming", "Queues",
    "Failures", "Metrics", "Costs", "Security", "Evaluation",
)  # fmt: skip

_CODE = (
    (
        "python",
        """async def answer(prompt: str, *, limit: int = 512) -> AsyncIterator[str]:
    \"\"\"Yields pieces of text; joined they are the answer.\"\"\"
    async for token in model.generate(prompt, max_tokens=limit):
        if token.special:
            continue
        yield token.text""",
    ),
    (
        "typescript",
        """interface Turn { role: "user" | "assistant"; text: string }

export const lastWords = (turns: Turn[]): string =>
  turns.filter(({ role }) => role === "user").at(-1)?.text ?? "";""",
    ),
    (
        "sql",
        """SELECT server, count(*) AS turns, avg(seconds) AS mean_seconds
FROM turn
WHERE started_at > now() - interval '7 days' AND tokens >= 100
GROUP BY server
ORDER BY turns DESC;""",
    ),
    (
        "rust",
        """fn split(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > most {
        let cut = rest[..most].rfind('\\n').unwrap_or(most);
        parts.push(&rest[..cut]);
        rest = &rest[cut..];
    }
    parts.push(rest);
    parts
}""",
    ),
    (
        "bash",
        """curl --silent --no-buffer "$URL/v1/chat/completions" \\
  --header "Authorization: Bearer $KEY" \\
  --json '{"stream": true, "messages": [{"role": "user", "content": "Hello"}]}'""",
    ),
    (
        "yaml",
        """server:
  model: meta-llama/Llama-3.2-1B-Instruct
  gpu: A4000
  idle_stop: 30m  # then it costs only its disk
  options: {max_total_tokens: 8192, quantization: none}""",
    ),
)


def long_answer() -> str:
    """Of about `CHARACTERS` characters: headings, nested and numbered lists, tasks, tables, quotes, links, and code in
    several languages."""
    parts = ["# Serving language models\n\nA tour of what matters, *from the first token to the bill*."]
    length, number = len(parts[0]), 0
    while length < CHARACTERS:
        part = _chapter(number)
        parts.append(part)
        length += len(part) + 2
        number += 1
    return "\n\n".join(parts)


def _chapter(number: int) -> str:
    topic = _TOPICS[number % len(_TOPICS)]
    language, code = _CODE[number % len(_CODE)]
    rows = "\n".join(
        f"| {name} | {8 * (number + row + 1)} GB | {120 - 7 * row - number % 9} | ${0.45 + 0.31 * row:.2f} |"
        for row, name in enumerate(("A4000", "A5000", "A6000", "A100"))
    )
    return f"""## {number + 1}. {topic}

Whoever asks about **{topic.lower()}** should measure first. Tokens per second depend on the batch, on the length of the
prompt and on the memory that is left; see [the notes](https://docs.example/{number + 1}) and `chapter-{number + 1}.md`.

- What to look at
  - the first token: `{200 + 15 * number} ms` at the median
  - the tokens after it
    - alone on the machine
    - among {number + 2} others
- What to leave alone

1. Change one thing.
2. Measure again, {number + 3} times.
3. Keep what helped.

- [x] a baseline was taken
- [ ] somebody else has seen the numbers

> Premature tuning costs more than the GPU: 5 < 7 & 7 > 5.

| GPU | Memory | Tokens/s | Price |
|:----|-------:|:--------:|------:|
{rows}

```{language}
{code}
```

### What follows for {topic.lower()}

Übung macht den Meister, 練習が必要です, and a 🦙 is patient. ~~Guess~~ Compute, then _decide_; and write down what was
decided in chapter {number + 1}, because nobody remembers it in chapter {number + 2}."""
