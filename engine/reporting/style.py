"""How a report looks, on a screen and on A4 paper: light, because reports are printed."""

STYLE = """
:root { --ink: #1f2937; --muted: #5b6472; --line: #d8dde6; --soft: #f3f5f9; --accent: #4a6fa5; --warn: #d9480f; }
* { box-sizing: border-box; }
html { background: #fff; color: var(--ink); font: 15px/1.5 "Liberation Sans", Arial, Helvetica, sans-serif; }
body { max-width: 54rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .7rem; padding-bottom: .3rem; border-bottom: 2px solid var(--accent); }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .4rem; }
p { margin: .5rem 0; }
a { color: var(--accent); }
.lead { font-size: 1.05rem; }
.small, .below, .by { color: var(--muted); font-size: .88rem; }
.good, .caution { border-left: 4px solid var(--accent); background: var(--soft); padding: .55rem .8rem; }
.caution { border-color: var(--warn); }
.note { white-space: pre-line; margin: 1rem 0; padding: .7rem 1rem; background: var(--soft); border-radius: .3rem; }
.figures { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.3rem 0; padding: 0; }
.figures div { flex: 1 1 8rem; padding: .55rem .8rem; border: 1px solid var(--line); border-radius: .3rem; }
.figures dt { color: var(--muted); font-size: .8rem; }
.figures dd { margin: 0; font-size: 1.35rem; font-weight: bold; line-height: 1.3; }
nav ol { columns: 2; padding-left: 1.4rem; margin: .4rem 0 0; font-size: .92rem; }
table { border-collapse: collapse; width: 100%; font-size: .84rem; margin: .6rem 0; }
caption { text-align: left; font-weight: bold; font-size: .95rem; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .28rem .5rem .28rem 0; border-bottom: 1px solid var(--line); }
td, dd, code, figcaption, h1, .by { unicode-bidi: isolate; }
thead th { color: var(--muted); font-weight: bold; border-bottom-color: var(--muted); overflow-wrap: normal; }
.facts th { width: 30%; color: var(--muted); font-weight: normal; }
.n { text-align: right; padding-right: .9rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.word { white-space: nowrap; }
figure { margin: 1.1rem 0; }
figcaption { font-weight: bold; font-size: .95rem; margin-bottom: .2rem; }
figure img { display: block; max-width: 100%; height: auto; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.2rem; }
pre { background: var(--soft); padding: .8rem; border-radius: .3rem; font-size: .78rem; white-space: pre-wrap; }
@page { size: A4; margin: 16mm 15mm 18mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 8pt "Liberation Sans", Arial, sans-serif; color: #5b6472; } }
@media print {
  html { font-size: 9.5pt; }
  body { max-width: none; padding: 0; }
  h2, h3, caption, figcaption, h2 + .lead { break-after: avoid; }
  figure, tr, .facts, .whole, .figures, .good, .caution, .pair { break-inside: avoid; }
  thead { display: table-header-group; }
  p { orphans: 3; widows: 3; }
  a { color: inherit; text-decoration: none; }
  nav { break-after: avoid; }
}
"""
