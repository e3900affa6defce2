"""The page's look: one ink, one accent, one contrast; red and amber belong to severities alone."""

STYLE = """
:root{color-scheme:light dark;--ink:light-dark(#1d2b36,#e4ebf0);--muted:light-dark(#566776,#9db0be);
--grid:light-dark(#dde3e9,#2b3944);--surface:light-dark(#fff,#172129);--ground:light-dark(#f3f5f7,#0f161b);
--accent:light-dark(#0f7b8a,#45bccb);--contrast:light-dark(#6a4bc0,#b29cf0);
--page:light-dark(#b3261e,#ff8a80);--ticket:light-dark(#945200,#f2b45f);--on:light-dark(#fff,#10181e);
--l1:color-mix(in srgb,var(--accent) 25%,var(--grid));--l2:color-mix(in srgb,var(--accent) 55%,var(--grid))}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:20px 16px 48px}
h1{font-size:20px;margin:0}h2{font-size:17px;margin:0 0 12px}h3{font-size:15px;margin:0}
p{margin:4px 0}figure{margin:0 0 22px}figure:last-child{margin-bottom:0}
header{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;margin-bottom:12px}
header span,.note,.empty,.now,footer{color:var(--muted);font-size:13.5px}
.card{background:var(--surface);border:1px solid var(--grid);border-radius:10px;padding:18px 20px;
margin:0 0 16px}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;border-left:6px solid var(--tone)}
.verdict .icon{width:44px;height:44px;grid-row:span 2}
.icon .shape{fill:var(--tone)}.icon .sign{fill:none;stroke:var(--on);stroke-width:2.4;
stroke-linecap:round;stroke-linejoin:round}
.verdict .word{font-size:13px;font-weight:700;letter-spacing:.06em;text-transform:uppercase;
color:var(--tone)}
.verdict .said{font-size:19px;line-height:1.35;font-weight:600}
.verdict .next{grid-column:2;margin-top:8px}
.well{--tone:var(--accent)}.watch{--tone:var(--ticket)}.degraded{--tone:var(--page)}
.no-data,.learning{--tone:var(--muted)}
code{font:13px ui-monospace,monospace;background:var(--ground);border:1px solid var(--grid);
border-radius:4px;padding:1px 5px;overflow-wrap:anywhere}
.facts{display:flex;flex-wrap:wrap;gap:4px 26px;margin:12px 0 0;padding:12px 0 0;
border-top:1px solid var(--grid);grid-column:1/-1}
.facts div{min-width:90px}.facts dt{color:var(--muted);font-size:12.5px}.facts dd{margin:0;font-weight:600}
.plot{display:grid;grid-template-columns:58px 1fr;height:128px;margin-top:8px}
.y{position:relative}.y span{position:absolute;right:8px;transform:translateY(50%);
font-size:12px;color:var(--muted);white-space:nowrap}
.area{position:relative}.area svg{position:absolute;inset:0;width:100%;height:100%;overflow:visible}
.area .grid{position:absolute;left:0;right:0;border-top:1px solid var(--grid)}
.x{position:relative;height:20px;margin-left:58px;font-size:12px;color:var(--muted)}
.x span{position:absolute;top:2px;white-space:nowrap;padding-left:4px;border-left:1px solid var(--grid)}
.x.centred span{transform:translateX(-50%);border:0;padding:0}
.line{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round;
stroke-linecap:round}
.line.a{stroke:var(--accent)}.line.b{stroke:var(--contrast)}.line.c{stroke:var(--ink);stroke-width:1.2}
.line.d{stroke:var(--muted)}.line.dashed{stroke-dasharray:6 5}
.line.outline{stroke:var(--ink);stroke-width:1.3}
.interval{opacity:.2}.interval.a{fill:var(--accent)}.interval.b{fill:var(--contrast);opacity:.13}
.interval.c,.interval.d{fill:var(--muted);opacity:.13}
.baseline{fill:var(--muted);opacity:.13}
.hatched{position:absolute;top:0;bottom:0;right:0;border-left:1px dashed var(--muted);
background:repeating-linear-gradient(-45deg,transparent 0 5px,var(--grid) 5px 7px);opacity:.8}
figcaption{display:flex;flex-wrap:wrap;gap:2px 14px;align-items:baseline}
.now b{color:var(--ink);font-size:16px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:2px 16px;margin:2px 0 0;padding:0;width:100%;
font-size:12.5px;color:var(--muted)}
.legend li{display:flex;align-items:center;gap:6px}
.key{flex:none;display:inline-block;width:18px;border-top:2.5px solid var(--accent)}
.key.b{border-color:var(--contrast)}.key.c{border-color:var(--ink)}.key.d{border-color:var(--muted)}
.key.dashed{border-top-style:dashed}
.key.box{height:11px;border:0;background:var(--accent);opacity:.25;border-radius:2px}
.key.base{background:var(--muted);opacity:.25}
.key.hatch,.key.none,.strip{
background:repeating-linear-gradient(-45deg,transparent 0 4px,var(--grid) 4px 6px)}
.key.hatch,.key.none{opacity:1;outline:1px solid var(--grid)}
.heat{margin-top:10px}.heat .row{display:grid;grid-template-columns:150px 1fr 76px;align-items:center;
gap:0 10px;height:22px;font-size:13px}
.heat .name{text-align:right;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.heat .value{color:var(--muted)}.heat .value.l3,.heat .value.l4{color:var(--ink);font-weight:700}
.heat+.x{margin-left:160px;margin-right:86px}
.strip{height:16px}.strip svg{display:block;width:100%;height:100%}
.strip .l0,.key.box.l0{fill:var(--grid)}.key.box.l0{background:var(--grid);opacity:1}
.strip .l1{fill:var(--l1)}.strip .l2{fill:var(--l2)}.strip .l3{fill:var(--accent)}
.strip .l4{fill:var(--ink)}.key.box.l1{background:var(--l1)}.key.box.l2{background:var(--l2)}
.key.box.l4{background:var(--ink)}.key.box.l1,.key.box.l2,.key.box.l3,.key.box.l4{opacity:1}
.histograms{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:20px 32px}
.histograms figure{margin:0;min-width:0}.histograms .x{margin-left:0}
.bars{height:104px;margin-top:8px;border-bottom:1px solid var(--muted)}
.bars svg{display:block;width:100%;height:100%}.bars .bar{fill:var(--accent);opacity:.55}
.ribbon .anomaly{margin:0 0 8px}.ribbon p{font-size:13.5px;color:var(--muted)}.ribbon b{color:var(--ink)}
.track,.events{position:relative;height:10px;margin-left:58px;background:var(--ground);border-radius:3px}
.events{background:none;border-bottom:1px solid var(--grid);margin-bottom:10px;font-size:12.5px}
.event{position:absolute;height:20px;white-space:nowrap;color:var(--muted)}
.event.left{border-left:2px solid var(--ink);padding-left:5px}
.event.right{border-right:2px solid var(--ink);padding-right:5px}
.track .bar{position:absolute;top:0;bottom:0;border-radius:3px;background:var(--tone);
border:1.5px solid var(--tone)}.track .bar.hollow{background:none}
.page{--tone:var(--page)}.ticket{--tone:var(--ticket)}.info{--tone:var(--muted)}
.severity{color:var(--tone);font-weight:700;white-space:nowrap}
.mark{width:12px;height:12px;margin-right:5px;vertical-align:-1px;fill:var(--tone);stroke:var(--tone);
stroke-width:1.5}.mark.hollow{fill:none}
.told{border-top:1px solid var(--grid);padding:10px 0 6px}.told ul{margin:4px 0;padding-left:20px}
.told:first-of-type{margin-top:12px}
details{margin-top:6px;font-size:13px}summary{color:var(--muted);cursor:pointer;width:fit-content}
.scroll{overflow-x:auto;max-height:420px;margin-top:6px}
table{border-collapse:collapse;font-size:13px;min-width:50%}caption{text-align:left;color:var(--muted);
padding-bottom:4px}
th,td{text-align:left;padding:3px 18px 3px 0;border-bottom:1px solid var(--grid);vertical-align:top}
th{font-weight:600}thead th{color:var(--muted)}
tbody th{max-width:340px;overflow-wrap:anywhere}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:8px 36px}
.two figure{min-width:0;margin-bottom:12px}
@media(max-width:560px){main{padding:12px 8px 32px}.card{padding:14px 12px}.two{grid-template-columns:1fr}
.verdict{grid-template-columns:1fr}.verdict .icon{grid-row:auto;width:34px;height:34px}
.verdict .next{grid-column:1}.verdict .said{font-size:17px}
.plot{grid-template-columns:48px 1fr}.x,.track,.events{margin-left:48px}
.heat .row{grid-template-columns:92px 1fr 58px;gap:0 6px;font-size:12px}
.heat+.x{margin-left:98px;margin-right:64px}.x span:nth-child(even){display:none}
.x.centred span:nth-child(even){display:inline}.track,.events{margin-left:0}
.ribbon+.x{margin-left:0}}
.fall{display:block;width:100%;max-width:760px;margin:4px 0 10px}
.fall text{font-size:13px;fill:var(--ink)}.fall .whole{fill:var(--muted);opacity:.45}
.fall .part{fill:var(--accent)}.fall .rest{fill:var(--ticket)}
@media print{body{background:none}.card{break-inside:avoid}}
"""
