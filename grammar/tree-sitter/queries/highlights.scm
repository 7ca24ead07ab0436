(line_comment) @comment
(block_comment) @comment
["import" "as" "type" "extern" "const" "rel" "relation" "query" "evidence" "fn" "if" "then" "else" "not" "and" "or" "implies"
 "case" "is" "in" "new" "where" "exists" "forall" "bound" "free" "keep" "min" "max"] @keyword
["=" ":-" ":=" "==" "!=" "<" "<=" ">" ">=" "+" "-" "*" "/" "%" "&&" "||" "^" "&" "|" "<<" ">>" "!" "?" "::" "->" "~"
 "=>" "\\/" "/\\" ".." "..="] @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ";" ":"] @punctuation.delimiter
(attribute "@" @attribute (name) @attribute)
[(integer) (float)] @number
(boolean) @boolean
[(string) (symbol) (datetime) (duration)] @string
(character) @character
(wildcard) @variable.builtin
(function_name) @function.builtin
(function_item name: (name) @function)
(call name: (name) @function)
(aggregate_call name: (name) @function.builtin)
(relation_declaration name: (name) @function)
(constructor name: (name) @constructor)
(type_name (name) @type)
(type_definition name: (name) @type)
(constant name: (name) @constant)
(field name: (name) @property)
(column field: (name) @property)
