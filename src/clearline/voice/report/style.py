"""The report's style sheet."""

CSS = """
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#17212b;--soft:#5a6875;--line:#dde2e8;--faint:#eef1f4;
--accent:#0b62bd;--good:#14713f;--fair:#8a5200;--poor:#b3202a;--goodbg:#e3f4ea;--fairbg:#fdf0d9;--poorbg:#fce6e7;
--bar:#c8323b;--bar2:#c77d0a;--trace:#0b62bd;--trace2:#8fb8e6;--gap:#d3d9e0}
@media(prefers-color-scheme:dark){:root{--page:#0e1318;--card:#161d25;--ink:#e4ebf2;--soft:#97a6b5;--line:#2b3641;
--faint:#1d2630;--accent:#67aefb;--good:#5fd197;--fair:#f2bd68;--poor:#ff8b87;--goodbg:#12301f;--fairbg:#35280f;
--poorbg:#3b191c;--bar:#ff7a76;--bar2:#f2bd68;--trace:#67aefb;--trace2:#345e8b;--gap:#384552}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:36px}footer{padding-bottom:48px;color:var(--soft);font-size:13px}
h1{font-size:26px;line-height:1.25;margin:4px 0 2px;letter-spacing:-.01em}
h2{font-size:19px;margin:36px 0 12px;letter-spacing:-.005em}
h3{font-size:16px;margin:0}
h4{font-size:13px;margin:0 0 6px;color:var(--soft);font-weight:600}
p{margin:0 0 10px}a{color:var(--accent);text-underline-offset:2px}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px;
border-radius:4px}
.skip{position:absolute;left:-999px}.skip:focus{left:16px;top:8px;background:var(--card);padding:8px 12px;z-index:2}
.brand{color:var(--accent);font-weight:700;font-size:13px;letter-spacing:.04em}
.soft,.unknown{color:var(--soft)}.unknown{font-style:italic}
.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:22px 0}
.tile,.card{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tile{padding:12px 16px}.tile b{display:block;font-size:25px;line-height:1.2;font-weight:650;letter-spacing:-.01em}
.tile span{color:var(--soft);font-size:13px}
.card{padding:18px 20px;margin:0 0 16px}
.good b,b.good,td.good,dd.good{color:var(--good)}.fair b,b.fair,td.fair,dd.fair{color:var(--fair)}
.poor b,b.poor,td.poor,dd.poor{color:var(--poor)}
td.good,td.fair,td.poor,.facts b{font-weight:650}
.notes{list-style:none;margin:0;padding:0}
.notes li{padding:8px 12px;border-left:3px solid var(--line);background:var(--faint);margin:0 0 6px;
border-radius:0 6px 6px 0;font-size:14px}
.notes li.warn{border-color:var(--bar2)}
.chip{display:inline-block;border-radius:9px;padding:1px 10px;font-size:12.5px;margin:0 4px 4px 0;
background:var(--fairbg);color:var(--fair)}
.badge{border-radius:8px;padding:4px 12px;font-weight:650;background:var(--faint);color:var(--soft)}
.badge.good{background:var(--goodbg);color:var(--good)}.badge.fair{background:var(--fairbg);color:var(--fair)}
.badge.poor{background:var(--poorbg);color:var(--poor)}
.head{display:flex;flex-wrap:wrap;gap:6px 16px;align-items:center;justify-content:space-between;margin-bottom:12px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:10px 18px;margin:0 0 14px}
.facts dt{color:var(--soft);font-size:12.5px}.facts dd{margin:0}
.top{display:flex;flex-wrap:wrap;gap:8px 36px;align-items:flex-start}.top .facts{flex:1 1 300px}
.top .ladderbox{flex:0 1 auto;max-width:100%}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13px;padding-bottom:6px}
th,td{text-align:left;padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;font-size:12.5px;white-space:nowrap}tbody tr:last-child td{border-bottom:0}
.n{text-align:right}.n span,td.t{white-space:nowrap}td.n,td.t{overflow-wrap:normal}
details{margin-top:8px}summary{cursor:pointer;color:var(--accent);font-size:14px;padding:4px 0;width:max-content;
max-width:100%}
.ladder{display:block;height:auto;max-width:100%;font-size:12px;font-family:inherit}
.ladder text{fill:var(--ink);
paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.ladder .when,.ladder .pause{fill:var(--soft);font-size:11px}
.ladder .end{font-weight:650}.ladder line{stroke:var(--line)}.ladder .arrow{stroke:currentColor;stroke-width:1.5}
.ladder .again{stroke-dasharray:4 3}.ladder polygon{fill:currentColor}
.ladder g{color:var(--soft)}.ladder g.request{color:var(--accent)}.ladder g.success{color:var(--good)}
.ladder g.failure{color:var(--poor)}
.plots{display:grid;gap:14px;margin:4px 0 6px}
@media(min-width:860px){.plots{grid-template-columns:1fr 1fr;gap:16px 28px}}
figure{margin:0}figcaption{font-size:13px;margin-bottom:9px;display:flex;justify-content:space-between;gap:10px}
figcaption b{font-weight:650;white-space:nowrap}figcaption span{color:var(--soft);text-align:right}
.plot{position:relative;margin-left:42px;height:96px}.plot svg{display:block;width:100%;height:100%;overflow:visible}
.plot i{position:absolute;right:100%;margin-right:6px;transform:translateY(50%);font:11px/1 inherit;font-style:normal;
font-size:11px;line-height:1;color:var(--soft);white-space:nowrap}
.times{display:flex;justify-content:space-between;margin:4px 0 0 42px;font-size:11px;color:var(--soft)}
.plot .grid{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.plot .trace,.plot .trace2{fill:none;stroke:var(--trace);stroke-width:2;vector-effect:non-scaling-stroke;
stroke-linejoin:round;stroke-linecap:square}
.plot .trace2{stroke:var(--trace2);stroke-width:1.5}
.plot .lost{fill:var(--bar)}.plot .late{fill:var(--bar2)}.plot .gap{fill:var(--gap);opacity:.55}
.plot .hit{fill:transparent}.plot .hit:hover{fill:var(--accent);opacity:.14}
.blank{margin-left:42px;height:96px;border:1px dashed var(--line);border-radius:6px;display:flex;align-items:center;
padding:0 16px;color:var(--soft);font-size:13px}
.key{font-size:12.5px;color:var(--soft);margin:2px 0 0}.key b{display:inline-block;width:10px;height:10px;
border-radius:2px;margin:0 5px 0 12px;vertical-align:-1px}.key b:first-child{margin-left:0}
.key .lost{background:var(--bar)}.key .late{background:var(--bar2)}.key .gap{background:var(--gap)}
.key .mean{background:var(--trace)}.key .max{background:var(--trace2)}
.stream{border-top:1px solid var(--line);padding-top:18px;margin-top:20px}
@media(max-width:640px){main,header,footer{padding-left:16px;padding-right:16px}.card{padding:14px}
.tiles{grid-template-columns:1fr 1fr;gap:8px}.tile{padding:10px 12px}.tile b{font-size:21px}
.facts{grid-template-columns:1fr 1fr}.ladder{max-width:none}
.stack thead{position:absolute;left:-9999px}.stack tr{display:block;padding:10px 0;border-bottom:1px solid var(--line)}
.stack td{display:flex;justify-content:space-between;gap:16px;border:0;padding:2px 0;text-align:right}
.stack td::before{content:attr(data-label);color:var(--soft);font-size:12.5px;text-align:left;flex:none}}
@media print{:root{color-scheme:light}body{background:#fff;font-size:10.5pt}.card,.tile{break-inside:avoid;
border-color:#bbb}.stream,figure{break-inside:avoid}.skip,summary{display:none}main,header,footer{max-width:none}}
"""
