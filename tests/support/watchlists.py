"""The watchlist files of a bundle, changed for a test and put back."""

import json

from .bundle import Bundle


class Lists:
    """The files in the watchlist bucket."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.bucket = bundle.outputs["WatchlistBucket"]
        self.manifest_key = bundle.outputs["WatchlistManifestKey"]
        self.s3 = bundle.client("s3")
        sources = json.loads(self.read("sources.json"))
        [pep] = [source for source in sources if source["topic"] == "pep"]
        self.pep_id = pep["id"]
        self.pep_key = pep["files"][0]["location"].removeprefix("bucket:")
        self._original = self.read(self.pep_key)

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    @property
    def manifest(self) -> dict:
        return json.loads(self.read(self.manifest_key))

    def refresh(self) -> dict:
        return self.bundle.invoke("watchlist-refresh", {})

    def with_entry(self, first: str, last: str, role: str = "") -> bytes:
        """The list with one more person, in its own columns."""
        return self.with_rows((f"test-{first.lower()}", first, last, role))

    def with_rows(self, *rows: tuple[str, str, str, str]) -> bytes:
        """The list of before this test with more people: key, first and last name, role."""
        return self._table(self._original.decode().rstrip("\n").split("\n"), rows)

    def only_rows(self, *rows: tuple[str, str, str, str]) -> bytes:
        """A file of these people alone, in the columns of the list."""
        return self._table(self._original.decode().split("\n")[:1], rows)

    @staticmethod
    def _table(lines: list[str], rows: tuple[tuple[str, str, str, str], ...]) -> bytes:
        header = [column.strip('"') for column in lines[0].split(",")]
        for key, first, last, role in rows:
            row = {"id": key, "schema": "Person", "name": f"{first} {last}", "dataset": "Test", "program_ids": role}
            lines.append(",".join(f'"{row.get(column, "")}"' for column in header))
        return "\n".join([*lines, ""]).encode()

    def publish(self, *rows: tuple[str, str, str, str]) -> None:
        """An edition with these people as well, in force; the sweep past it has begun."""
        self.write(self.pep_key, self.with_rows(*rows))
        assert self.refresh()[self.pep_id]["result"] == "published"

    def sweep(self) -> dict:
        """The latest sweep of the list, as an operator sees it."""
        return self.refresh()[self.pep_id]["sweeps"][-1]
