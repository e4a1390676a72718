import { paper } from './paper.js'

/** The page's only style sheet. Colour pairs have a contrast of at least 4.5; paper is always white. */
export const style = `
:root{--ink:#17212f;--soft:#55606f;--line:#d9dfe6;--paper:#fff;--page:#f4f6f8;--code:#f1f4f7;
--good:#0b6b5f;--good-bg:#e3f3f0;--bad:#b3261e;--bad-bg:#fdeceb;--warn:#875200;--warn-bg:#fdf1dd;--bar:#2f8f83;--link:#0b5cad}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;overflow-wrap:break-word;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px 16px 48px}
a{color:var(--link)}
h1,h2,h3,p,dl,dd,ul,ol,figure{margin:0}
h1{font-size:1.4rem;line-height:1.3;font-weight:650;max-width:46em;text-wrap:pretty}
h2{font-size:1.15rem;font-weight:650;margin-bottom:12px}
h3{font-size:.95rem;font-weight:600}
code,pre,dd.code,td.code>span{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.86em;overflow-wrap:anywhere}
small,.faint{color:var(--soft)}
small{font-size:.83rem}
section,.notice{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:20px;margin-top:16px}
section>p{margin-bottom:12px;max-width:75ch}
section h3{margin:16px 0 6px}
li,dd,h1,h3,p,summary,figcaption{overflow-wrap:anywhere}td,th{overflow-wrap:break-word}
.verdict{border:1px solid var(--line);border-left:8px solid var(--soft);border-radius:10px;background:var(--paper);padding:20px 24px}
.verdict.good{border-left-color:var(--good)}.verdict.bad{border-left-color:var(--bad)}.verdict.warn{border-left-color:var(--warn)}
.kicker{color:var(--soft);margin-bottom:14px}.kicker strong{color:var(--ink);letter-spacing:.02em}.kicker span::before{content:"\\00b7";margin:0 .5em 0 .3em}
.outcome{font-weight:700;font-size:.95rem;margin-bottom:2px}
.good .outcome,.figures .good dd,.value.good{color:var(--good)}.bad .outcome,.figures .bad dd,.value.bad{color:var(--bad)}.warn .outcome{color:var(--warn)}
.cause{background:var(--bad-bg);color:var(--bad);border-radius:6px;padding:8px 12px;margin-top:12px}.next{margin-top:8px}
.notice{background:var(--warn-bg);border-color:var(--warn)}.notice ul{padding-left:20px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden;margin-top:16px}
.figures div{background:var(--paper);padding:12px 16px}
.figures dt{color:var(--soft);font-size:.83rem}.figures dd{font-size:1.45rem;font-weight:650;line-height:1.3}.figures small{display:block;font-weight:400;line-height:1.4}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:16px 2px 0;font-size:.92rem}
.badge{display:inline-block;font-size:.78rem;font-weight:600;line-height:1.5;border-radius:4px;padding:0 7px;background:var(--code);color:var(--soft);overflow-wrap:anywhere}
.badge.good{background:var(--good-bg);color:var(--good)}.badge.bad{background:var(--bad-bg);color:var(--bad)}.badge.warn{background:var(--warn-bg);color:var(--warn)}
.timeline td:nth-child(4){min-width:8.5em}.timeline ol,.timeline ul{list-style:none;padding:0}
.timeline figcaption{color:var(--soft);font-size:.9rem;margin-bottom:8px;max-width:75ch}
.row{display:grid;grid-template-columns:minmax(0,360px) minmax(0,1fr) 152px;column-gap:14px;align-items:center;break-inside:avoid}
.row>svg{width:100%;height:0;min-height:max(26px,100%);display:block;overflow:visible}.row svg svg{overflow:visible}.row>.scale{height:16px;min-height:16px}.timeline ul .row>svg,.row.attempts>svg{min-height:46px}
.row .label{font-size:.9rem;line-height:1.3;padding:4px 0}.row .label a{color:inherit;text-decoration:none}.row .label a:hover{text-decoration:underline}
.row small{display:block;line-height:1.3}
.row .value{text-align:right;font-variant-numeric:tabular-nums;font-size:.9rem;line-height:1.3}
.timeline ol .row+.row{border-top:1px solid color-mix(in srgb,var(--line) 45%,transparent)}

.scale text{font-size:11px;fill:var(--soft)}
.grid{stroke:var(--line);stroke-width:1}.break{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}.pause{fill:var(--line);opacity:.55}.paused{font-size:11px;fill:var(--soft);stroke:var(--paper);stroke-width:4;paint-order:stroke}.cross{fill:none;stroke:var(--bad);stroke-width:2}
.bar{fill:var(--bar)}.bar.failed,.bar.outage{fill:var(--bad)}.bar.undone,.bar.waiting{fill:var(--soft)}.bar.running,.bar.interrupted,.bar.abandoned{fill:var(--warn)}.bar.up{fill:var(--bar);opacity:.75}
.gap{font-size:11px;font-weight:600;fill:var(--bad)}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:6px 24px}.pictures figure{display:grid;grid-row:span 2;grid-template-rows:subgrid}.pictures.wide{grid-template-columns:minmax(0,1fr)}
.pictures h3{margin:0}.pictures figcaption{font-size:.9rem;color:var(--soft)}.pictures figcaption h3{color:var(--ink)}
.drawing{display:block;width:100%;height:auto}
.drawing text{font-size:12px;fill:var(--soft)}.drawing .name{font-size:13.5px;font-weight:650;fill:var(--ink)}
.drawing .halo{fill:var(--ink);stroke:var(--paper);stroke-width:5;paint-order:stroke;stroke-linejoin:round}
.drawing .node{fill:var(--code);stroke:var(--line);stroke-width:1.2}.drawing .serving{fill:var(--good-bg);stroke:var(--good)}.drawing .outside{fill:none;stroke:var(--soft);stroke-dasharray:4 4}
.drawing .endpoint{fill:var(--warn-bg);stroke:var(--warn);stroke-width:1.2}
.drawing path{fill:none;stroke-width:1.7}.drawing .client{stroke:var(--link)}.drawing .stale{stroke:var(--bad)}.drawing .balanced{stroke:var(--good);stroke-dasharray:5 4}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;font-size:.86rem;color:var(--soft);margin:12px 0}
.key.client::before,.key.stale::before,.key.balanced::before{content:"";display:inline-block;width:26px;border-top:2px solid var(--link);margin-right:8px;vertical-align:middle}.key.stale::before{border-top-color:var(--bad)}.key.balanced::before{border-top:2px dashed var(--good)}
.findings{list-style:none;padding:0}.findings li+li{border-top:1px solid var(--line);margin-top:14px;padding-top:14px}
.findings dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 14px;margin-top:4px}.findings dt{color:var(--soft)}
details{border-top:1px solid var(--line)}div.step{border-top:1px solid var(--line)}
summary{cursor:pointer;padding:9px 0;list-style-position:inside}
.step{display:flex;gap:4px 12px;align-items:baseline;padding:9px 0}summary.step::before{content:"\\25b8";color:var(--soft);width:.8em}details[open]>summary.step::before{content:"\\25be"}summary.step::-webkit-details-marker{display:none}
div.step::before{content:"";width:.8em}
.step .number{color:var(--soft);min-width:1.4em;text-align:right;font-variant-numeric:tabular-nums}.step .what{flex:1;min-width:0}.step .what code{color:var(--soft)}
.step .value{min-width:9.5em;text-align:right;color:var(--soft);font-variant-numeric:tabular-nums;font-size:.9rem}
.action{padding:2px 0 14px 20px}.action h3{margin:8px 0 4px}.summaries{padding-left:18px;color:var(--soft);font-size:.9rem}
.scroll{overflow-x:auto}td.code{min-width:11.5em}td.whole{white-space:nowrap}table{border-collapse:collapse;width:100%;margin:8px 0;font-size:.9rem}
caption{text-align:left;color:var(--soft);padding-bottom:4px;font-size:.86rem}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid var(--line);padding:4px 12px 4px 0;vertical-align:bottom}
td{border-bottom:1px solid color-mix(in srgb,var(--line) 60%,transparent);padding:5px 12px 5px 0;vertical-align:top}
pre{background:var(--code);border-radius:6px;padding:10px 12px;margin:4px 0 10px;overflow-x:auto;line-height:1.45}
.diff figcaption{color:var(--soft);font-size:.86rem}.on-paper{display:none}
ins,del{text-decoration:none;display:block;width:max-content;min-width:100%}ins{background:var(--good-bg);color:var(--good)}del{background:var(--bad-bg);color:var(--bad)}.file{color:var(--soft)}
#undo ol,#undo ul{padding-left:22px}.commands dt{color:var(--soft)}
footer{margin-top:24px;color:var(--soft);font-size:.86rem}footer dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 14px}footer dd{color:var(--ink);overflow-wrap:anywhere}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#a2adba;--line:#323c48;--paper:#1a212a;--page:#12171e;--code:#222b36;
--good:#6fd3c3;--good-bg:#163630;--bad:#ff9d94;--bad-bg:#43211f;--warn:#f0bd6a;--warn-bg:#3a2d14;--bar:#46a99b;--link:#7db7f5}}
@media screen and (max-width:700px){main{padding:12px 10px 32px}section,.notice,.verdict{padding:16px 14px}h1{font-size:1.25rem}
.row{grid-template-columns:minmax(0,1fr) auto;padding:5px 0}.row svg{grid-row:2;grid-column:1/-1}.row.axis{padding:0}.row.idle>svg{display:none}.row .value{max-width:11.5em}
.step{flex-wrap:wrap}.step .what{flex-basis:65%}.step .value{min-width:0;text-align:left}.step .badge{margin-left:3.9em}#changes .step .badge{margin-left:1.9em}
.action{padding-left:0}
table,tbody,tr,td,caption{display:block}thead{display:none}
tr{border-bottom:1px solid var(--line);padding:6px 0}td:has(>span:empty){display:none}td,td.code{border:0;padding:1px 0;min-width:0;display:grid;grid-template-columns:7.2em minmax(0,1fr);gap:8px}td::before{content:attr(data-label);color:var(--soft)}
.findings dl,footer dl{grid-template-columns:minmax(0,1fr)}}
${paper}`
