"""The text of PDF files, with what they say of themselves: by pdf.js in the sandbox."""

from functools import cache
from pathlib import Path
from typing import Any

from app.engine.nodes.files.kept_parts import keeps_fields, kept_files
from app.engine.nodes.files.library_calls import GivenFile, call_library, to_base64
from app.engine.run.context import NodeContext
from app.engine.run.errors import NodeError
from app.engine.run.groups import as_group
from app.engine.run.items import Item
from app.engine.sandbox import bundles
from app.engine.values import conversions

MAX_PAGES = 2_000
"""Of one file that is read."""
LIBRARIES = {
    # The worker half comes first: the other half then finds it in the global scope, and starts none.
    "worker": "pdfjs-dist/legacy/build/pdf.worker.min.mjs",
    "pdf": "pdfjs-dist/legacy/build/pdf.min.mjs",
}
READ = """
const MAX_PAGES = %d;

const textOf = async (page) => {
  const { items } = await page.getTextContent();
  let text = '';
  let height;
  for (const { str, transform } of items) {
    if (height && height !== transform[5]) text += '\\n';
    text += str;
    height = transform[5];
  }
  page.cleanup();
  return text;
};

const answer = async ({ data, password, pages, join }) => {
  const settings = { isEvalSupported: false, useSystemFonts: false, disableFontFace: true, verbosity: 0 };
  const task = pdf.getDocument({ data: new Uint8Array(Buffer.from(data, 'base64')), password, ...settings });
  const document = await task.promise;
  const count = Math.min(pages || document.numPages, document.numPages);
  if (count > MAX_PAGES) throw new Error(`The file has ${count} pages; at most ${MAX_PAGES} are read: set Max Pages`);
  const { info, metadata } = await document.getMetadata();
  const texts = [];
  for (let number = 1; number <= count; number++) texts.push(await textOf(await document.getPage(number)));
  const made = {
    numpages: document.numPages,
    numrender: document.numPages,
    info,
    metadata: metadata ? Object.fromEntries(metadata) : undefined,
    text: join ? texts.join('\\n\\n') : texts,
    version: pdf.version,
  };
  await task.destroy();
  return made;
};
"""


@cache
def _surroundings() -> str:
    return (Path(__file__).parent / "js" / "pdf-surroundings.js").read_text("utf-8")


async def read_pdf(context: NodeContext, files: list[GivenFile]) -> list[list[Item] | NodeError]:
    """One item for each file, or what is wrong with it. Raises NodeError where the library cannot go on at all."""
    program = await bundles.program(READ % MAX_PAGES, _surroundings(), **LIBRARIES)
    answers = await call_library(context, program, [_request(file) for file in files])
    return [_item(context, file, answer) for file, answer in zip(files, answers, strict=True)]


def _request(file: GivenFile) -> dict[str, Any]:
    options = as_group(file.parameters.get("options"))
    pages = conversions.to_number(options.get("maxPages") or 0)
    return {
        "data": to_base64(file.content),
        "password": conversions.to_string(options["password"]) if options.get("password") else None,
        "pages": pages if pages == pages else 0,
        "join": options.get("joinPages") is not False,
    }


def _item(context: NodeContext, file: GivenFile, answer: dict[str, Any]) -> list[Item] | NodeError:
    if "failed" in answer:
        return NodeError(str(answer["failed"]), item_index=file.index)
    given = context.items[file.index]
    fields = given["json"] if keeps_fields(file.parameters) else {}
    item: Item = {"json": {**fields, **answer["made"]}, "pairedItem": {"item": file.index}}
    if "binary" in given:
        item["binary"] = kept_files(given["binary"], file.parameters)
    return [item]
