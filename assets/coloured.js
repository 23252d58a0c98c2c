// A text token by token. The first tokens are painted at once, the rest behind them in steps, so that a long text is there quickly:
// without a GPU the browser paints 10,000 boxes in a quarter of a second.
const FIRST = 1200, STEP = 3000;

function spans({ labels, about, tokens }, begin, end) {
    const part = document.createDocumentFragment();
    for (let i = begin; i < Math.min(end, tokens.length); i++) {
        const span = document.createElement("span");
        span.className = "t" + (i % 6);
        span.dataset.about = about[tokens[i]];
        span.textContent = labels[tokens[i]];
        if (span.textContent.includes("⏎")) breakLines(span);
        part.append(span);
    }
    return part;
}

function breakLines(span) {
    const lines = span.textContent.split("⏎");
    span.replaceChildren(lines[0]);
    for (const line of lines.slice(1)) span.append("⏎", document.createElement("br"), line);
}

export default function ({ data, parentElement }) {
    let box = parentElement.querySelector(".lab-coloured");
    if (!box) {
        box = document.createElement("div");
        box.className = "lab-tokens lab-coloured";
        parentElement.append(box);
    }
    const said = JSON.stringify(data);
    if (box.said === said) return;
    box.said = said;
    box.dataset.tokens = data.tokens.length;
    cancelAnimationFrame(box.frame);
    box.replaceChildren(spans(data, 0, FIRST));
    const goOn = (begin) => {
        if (begin >= data.tokens.length) return;
        box.frame = requestAnimationFrame(() => setTimeout(() => {
            if (box.said !== said) return;
            box.append(spans(data, begin, begin + STEP));
            goOn(begin + STEP);
        }));
    };
    goOn(FIRST);
}
