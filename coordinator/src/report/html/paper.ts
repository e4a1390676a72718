/**
 * The page on paper: smaller and in columns, so that a small cluster takes a dozen pages instead of thirty. No page break cuts a drawing or
 * separates a heading from its text.
 */
export const paper = `
@media print{@page{margin:10mm}:root{--page:#fff}html{font-size:11px}body{font-size:8pt;line-height:1.35}main{max-width:none;padding:0}nav,.on-screen{display:none}.on-paper{display:inline}
a{color:inherit;text-decoration:none}h1{font-size:12pt}h2{font-size:11pt;margin-bottom:5pt}h3{font-size:8pt}small,caption,figcaption,.faint{font-size:7pt}
.verdict,.badge,.bar,ins,del,pre,rect,.key::before,.figures{print-color-adjust:exact;-webkit-print-color-adjust:exact}
section{border:0;border-top:1pt solid var(--line);border-radius:0;padding:7pt 0 0;margin-top:9pt}section>p{margin-bottom:5pt}
.notice{padding:7pt 10pt;margin-top:8pt}.verdict{padding:8pt 12pt}.kicker{margin-bottom:5pt}.cause{padding:3pt 6pt;margin-top:3pt;font-size:7pt}
.figures{grid-template-columns:repeat(auto-fit,minmax(100px,1fr));margin-top:8pt}.figures div{padding:5pt 7pt}.figures dd{font-size:11pt}.figures dt,.figures small{font-size:7pt}
h2,h3,summary,caption,figcaption,thead,.step,.summaries,.axis,.timeline .attempts{break-after:avoid}section>h2+p{break-after:avoid}
tr,.row,.findings li,.drawing,.pictures,.pictures figure,.figures,.notice,.verdict,.legend,dl.commands,#undo li,.diff,footer{break-inside:avoid}
.scroll{overflow:visible;break-before:avoid}table{font-size:7pt;margin:2pt 0 4pt}th,td{padding:1px 6px 1px 0}td{overflow-wrap:anywhere}td.code{min-width:0}code,pre,dd.code,td.code>span{font-size:.95em}
.row{grid-template-columns:minmax(0,286px) minmax(0,1fr) 132px;column-gap:10px}.row .label,.row .value{font-size:7pt;line-height:1.2;padding:1px 0}.row>svg{min-height:max(16px,100%)}.timeline ul .row>svg,.row.attempts>svg{min-height:32px}.timeline .row small{font-size:6.5pt}
.timeline figcaption,section>p{max-width:none}.timeline figcaption{margin-bottom:3pt}.timeline h3{margin:8pt 0 2pt}
.pictures,.pictures.wide{display:flex;gap:16pt}.pictures.wide{flex-direction:column}.pictures figure{display:flex;flex-direction:column;justify-content:space-between;flex:1;min-width:0}.legend{margin:5pt 0}
details::details-content{content-visibility:visible;display:contents}summary.step::before,div.step::before{content:none}summary{padding:3pt 0;list-style:none}
.step{padding:2.5pt 0;font-size:7.5pt;flex-wrap:wrap;gap:1pt 6pt}.step .what{flex:1 1 55%;font-weight:600}.step .what code{font-weight:400}.step .value{min-width:0;font-size:7pt}.step .number{min-width:0}
#steps,#changes{columns:2;column-gap:16pt}#steps>h2,#changes>h2,#steps>p,#changes>p{column-span:all}
#steps table,#changes table,#certificates table{font-size:6.5pt}#changes table,#certificates table{table-layout:fixed}#changes caption,#changes thead{display:none}#changes td:nth-child(1){width:36%}#changes td:nth-child(2){width:26%}#certificates th:nth-child(1){width:16.5%}#certificates th:nth-child(2){width:35%}#certificates th:nth-child(4){width:8.5%}#certificates th:nth-child(5){width:12%}#certificates td.code>span,#changes td.code>span{font-size:6pt}#certificates .badge{padding:0 2px}#steps .scroll,#steps table,#steps tbody,#steps tr,#steps td,#steps caption{display:block}#steps tr{border-bottom:.5pt solid var(--line);line-height:1.3}#steps td{display:inline;border:0;padding:0;overflow-wrap:anywhere}#steps td:first-child::after{content:": "}#steps td:nth-child(2){color:var(--soft)}#steps td:last-child,#steps thead,#steps .action caption{display:none}.action{padding:0 0 4pt}.action h3{margin:2pt 0 1pt;font-size:7pt}.summaries{font-size:6.5pt;padding-left:10pt}
.action:not(:has(tr:nth-child(9))),#changes details:not(:has(.diff)),div.step{break-inside:avoid}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:3pt 5pt;margin:1pt 0 4pt;line-height:1.3}.diff pre{font-size:6pt}ins,del{width:auto;min-width:0}
.findings li+li{margin-top:6pt;padding-top:6pt}.findings dl,#undo,footer{font-size:7.5pt}footer{margin-top:10pt}}
`
